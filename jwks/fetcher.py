"""What sources need of whoever speaks with servers; `gatepass.jwks.fetch` is the real one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server answered; `body` is None when it said that nothing changed.

    `etag` names this version of the document. `fresh_seconds` is for how long the server says that
    its answer is good, None when it does not say.
    """

    body: bytes | None = field(repr=False)
    etag: bytes | None = None
    fresh_seconds: float | None = None


class Fetcher(Protocol):
    """Speaks with the servers of issuers; two are equal when they go by the same `route`."""

    @property
    def route(self) -> str:
        """Return what tells the way by which answers come from others; it holds no secret."""
        ...

    async def get(self, url: str, etag: bytes | None = None) -> Fetched:
        """Return the document at a URL; with the `etag` of the last one, perhaps no body.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        ...

    async def post(self, url: str, form: bytes, headers: Mapping[str, str]) -> bytes:
        """Return what the server answers to a form, which is URL-encoded already.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        ...
