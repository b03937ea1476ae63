"""A fetcher that tests write the script for."""

import asyncio
from collections.abc import Mapping

from gatepass.jwks import Fetched


class ScriptedFetcher:
    """Gets what `documents` has for a URL, an error included; while `gate` is closed, it waits."""

    route = "by script"

    def __init__(self, documents: Mapping[str, bytes | Exception | None]) -> None:
        self.documents = dict(documents)
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self, url: str, etag: bytes | None = None) -> Fetched:
        assert etag is None
        return Fetched(await self._document(url))

    async def post(self, url: str, form: bytes, headers: Mapping[str, str]) -> bytes:
        assert form
        assert headers
        return await self._document(url) or b""

    async def _document(self, url: str) -> bytes | None:
        self.asked.append(url)
        await self.gate.wait()
        document = self.documents[url]
        if isinstance(document, Exception):
            raise document
        return document
