"""Where one issuer's key set comes from: the settings, a file, a URL, or discovery.

A source knows how to load the document and nothing of when, how often or what it means: those are
the keeper's and the key set's business. It keeps nothing between two loads. Two sources are equal
when they load from the same place.
"""

import asyncio
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gatepass.jwks.discovery import metadata_url, read_jwks_uri
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.fetch import Fetcher
from gatepass.jwks.limits import DEFAULT_LIMITS


class KeySource(Protocol):
    """Loads the document that holds an issuer's keys."""

    @property
    def fixed(self) -> bool:
        """Return whether every load gives the same bytes, so that one is enough for ever."""
        ...

    async def load(self) -> bytes:
        """Return the document as it stands now.

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

    async def load(self) -> bytes:
        """Return the document."""
        return self.document


@dataclass(frozen=True, slots=True)
class FileKeys:
    """A key set in a local file, read again whenever the keeper asks."""

    path: Path
    max_bytes: int = DEFAULT_LIMITS.max_key_set_bytes

    @property
    def fixed(self) -> bool:
        """Return False: a file can be replaced."""
        return False

    async def load(self) -> bytes:
        """Return the file's content, read in a thread: a disk may be slow.

        Raises:
            KeySourceUnavailable: when it is not a readable, regular file of at most `max_bytes`.

        """
        return await asyncio.to_thread(self._read)

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
    fetcher: Fetcher = field(compare=False)

    @property
    def fixed(self) -> bool:
        """Return False: issuers rotate their keys."""
        return False

    async def load(self) -> bytes:
        """Return what is published now.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        return await self.fetcher.get(self.url)


@dataclass(frozen=True, slots=True)
class DiscoveredKeys:
    """A key set whose address the issuer's own metadata tells, asked anew at every load.

    `allowed_hosts` are further hosts, in lower case, that the metadata may point to.
    """

    issuer: str
    fetcher: Fetcher = field(compare=False)
    allowed_hosts: AbstractSet[str] = frozenset()
    allow_http_loopback: bool = False

    @property
    def fixed(self) -> bool:
        """Return False: issuers rotate their keys."""
        return False

    async def load(self) -> bytes:
        """Return what is published now, at the address that is published now.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        metadata = await self.fetcher.get(metadata_url(self.issuer))
        jwks_uri = read_jwks_uri(
            metadata,
            self.issuer,
            allowed_hosts=self.allowed_hosts,
            allow_http_loopback=self.allow_http_loopback,
        )
        return await self.fetcher.get(jwks_uri)
