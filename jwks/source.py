"""Where one issuer's key set comes from: the settings, a file, a URL, or discovery.

A source knows how to load the document and nothing of when, how often or what it means: those are
the keeper's and the key set's business. It keeps nothing between two loads: what the last one
brought is handed to it, so that a server may answer that nothing changed. Two sources are equal
when they load from the same place by the same way (route.py).
"""

import asyncio
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from gatepass.jwks.discovery import Metadata, metadata_url, read_address
from gatepass.jwks.document import Document
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.fetcher import Fetcher
from gatepass.jwks.limits import DEFAULT_LIMITS


class KeySource(Protocol):
    """Loads the document that holds an issuer's keys."""

    @property
    def fixed(self) -> bool:
        """Return whether every load gives the same bytes, so that one is enough for ever."""
        ...

    @property
    def place(self) -> str | None:
        """Return what tells the place, and the way to it, from others; None on this machine.

        The last keys of a place elsewhere may be kept on disk; it holds no secret of ours.
        """
        ...

    async def load(self, before: Document | None = None) -> Document:
        """Return the document as it stands now; `before` is what the last load brought.

        Raises:
            KeySourceUnavailable: when it cannot be had.

        """
        ...


@dataclass(frozen=True, slots=True)
class InlineKeys:
    """A key set that stands in the settings."""

    document: bytes

    @property
    def fixed(self) -> bool:
        """Return True: the settings are read once."""
        return True

    @property
    def place(self) -> str | None:
        """Return None: the settings are here."""
        return None

    async def load(self, before: Document | None = None) -> Document:  # noqa: ARG002 - never changes
        """Return the document."""
        return Document(self.document)


@dataclass(frozen=True, slots=True)
class FileKeys:
    """A key set in a local file, read again whenever the keeper asks."""

    path: Path
    max_bytes: int = DEFAULT_LIMITS.max_key_set_bytes

    @property
    def fixed(self) -> bool:
        """Return False: a file can be replaced."""
        return False

    @property
    def place(self) -> str | None:
        """Return None: the file is here."""
        return None

    async def load(self, before: Document | None = None) -> Document:  # noqa: ARG002 - read anyway
        """Return the file's content, read in a thread: a disk may be slow.

        Raises:
            KeySourceUnavailable: when it is not a readable, regular file of at most `max_bytes`.

        """
        return Document(await asyncio.to_thread(self._read))

    def _read(self) -> bytes:
        try:
            # opening a pipe would wait for a writer
            if not self.path.is_file():
                there = self.path.exists()
                raise KeySourceUnavailable(f"file: not {'a regular file' if there else 'there'}")
            with self.path.open("rb") as file:
                document = file.read(self.max_bytes + 1)
        except OSError as failure:
            raise KeySourceUnavailable("file: not readable") from failure
        if len(document) > self.max_bytes:
            raise KeySourceUnavailable("too large")
        return document


@dataclass(frozen=True, slots=True)
class UrlKeys:
    """A key set at an address that the settings name."""

    url: str
    fetcher: Fetcher

    @property
    def fixed(self) -> bool:
        """Return False: issuers rotate their keys."""
        return False

    @property
    def place(self) -> str | None:
        """Return the URL, without a query, which may hold a secret, but with its digest."""
        url, _, query = self.url.partition("?")
        place = f"{url}?{sha256(query.encode()).hexdigest()}" if query else url
        return f"{place} {self.fetcher.route}"

    async def load(self, before: Document | None = None) -> Document:
        """Return what is published now.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        return await _fetched(self.fetcher, self.url, before)


@dataclass(frozen=True, slots=True)
class DiscoveredKeys:
    """A key set whose address the issuer's own metadata tells, unless it is still `located`.

    `allowed_hosts` are further hosts, in lower case, that the metadata may point to; `metadata` is
    the standard by which it is found, `beneath` the URL that stands for the issuer in its address,
    for an issuer that is a template of many.
    """

    issuer: str
    fetcher: Fetcher
    allowed_hosts: AbstractSet[str] = frozenset()
    allow_http_loopback: bool = False
    metadata: Metadata = Metadata.OPENID
    beneath: str | None = None

    @property
    def metadata_url(self) -> str:
        """Return where the metadata stands.

        Raises:
            KeySourceUnavailable: when there can be none.

        """
        return metadata_url(self.beneath or self.issuer, self.metadata)

    @property
    def place(self) -> str | None:
        """Return by which metadata, from which hosts and by which way the keys come."""
        hosts = " ".join(sorted(self.allowed_hosts))
        return f"{self.metadata} {self.beneath or self.issuer} {hosts} {self.fetcher.route}"

    @property
    def fixed(self) -> bool:
        """Return False: issuers rotate their keys."""
        return False

    async def load(self, before: Document | None = None) -> Document:
        """Return what is published now, at the address that was found lately or is published now.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        if before is not None and before.located and before.url is not None:
            jwks_uri = before.url
        else:
            jwks_uri = await self._locate()
        return replace(await _fetched(self.fetcher, jwks_uri, before), located=True)

    async def _locate(self) -> str:
        published = await self.fetcher.get(self.metadata_url)
        return read_address(
            published.body or b"",
            "jwks_uri",
            self.issuer,
            beneath=self.beneath,
            allowed_hosts=self.allowed_hosts,
            allow_http_loopback=self.allow_http_loopback,
        )


async def _fetched(fetcher: Fetcher, url: str, before: Document | None) -> Document:
    """Return what is published at the URL; an entity tag of another place means nothing there."""
    known = before if before is not None and before.url == url and before.etag else None
    fetched = await fetcher.get(url, None if known is None else known.etag)
    if fetched.body is not None:
        return Document(fetched.body, url, fetched.etag, fetched.fresh_seconds)
    if known is None:
        raise KeySourceUnavailable("status")
    return Document(known.content, url, fetched.etag or known.etag, fetched.fresh_seconds)
