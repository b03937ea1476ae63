"""Asking Kong's Admin API, whose lists come in pages.

A list has a last page, whatever the answers say.
"""

from typing import Any, TypeVar, cast

import msgspec

from gatepass.plugin.commands.gateway_api import GatewayApi, Unanswered

MAX_PAGES = 50
PAGE_SIZE = 1000

Document = TypeVar("Document")


class AdminApi(GatewayApi):
    """One conversation with Kong."""

    name = "Kong's Admin API"
    argument = "ADMIN_URL"

    async def every(self, path: str, kind: type[Document]) -> tuple[Document, ...]:
        """Return all entities of a list, page by page.

        Raises:
            Unanswered: for everything that goes wrong, and for a list that does not end.

        """
        entities: list[Document] = []
        offset: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            page = await self.get(
                path, cast("Any", dict[str, msgspec.Raw]), size=PAGE_SIZE, **offset
            )
            try:
                entities += msgspec.json.decode(page["data"], type=list[kind])  # type: ignore[valid-type] # kind is a class
                after = msgspec.json.decode(page.get("offset", b"null"), type=str | None)
            except (KeyError, ValueError, RecursionError) as error:
                raise self.not_understood() from error
            if after is None:
                return tuple(entities)
            offset = {"offset": after}
        raise Unanswered(f"more than {MAX_PAGES} pages")
