"""Where an issuer is asked about tokens: at an address of the settings, or of its metadata.

Rules, in order:

1. The metadata is the issuer's own and names an address on an accepted host (discovery.py).
2. An address that was found serves without a question for `refresh_seconds`. Then the metadata is
   read again; where that fails the address serves on, `max_stale_seconds` from when it was found.
3. One search at a time; who needs the address waits for it. A caller that gives up does not take it
   along. After failures the wait doubles (`Freshness.backoff`).
"""

import asyncio
import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from gatepass.jwks.clock import Clock
from gatepass.jwks.discovery import Metadata, metadata_url, read_address
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.fetcher import Fetcher
from gatepass.jwks.freshness import Freshness


class Endpoint(Protocol):
    """Finds the address at which an issuer is asked about tokens."""

    async def find(self) -> str:
        """Return the address as it is now.

        Raises:
            KeySourceUnavailable: when it cannot be had.

        """
        ...


@dataclass(frozen=True, slots=True)
class NamedEndpoint:
    """An address that the settings name."""

    url: str

    async def find(self) -> str:
        """Return the address."""
        return self.url


@dataclass(frozen=True, slots=True)
class DiscoveredEndpoint:
    """The address that the issuer's own metadata names, on its host or on one of those allowed."""

    issuer: str
    fetcher: Fetcher
    allowed_hosts: AbstractSet[str] = frozenset()
    allow_http_loopback: bool = False
    metadata: Metadata = Metadata.OPENID

    async def find(self) -> str:
        """Return what the metadata says now.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        published = await self.fetcher.get(metadata_url(self.issuer, self.metadata))
        return read_address(
            published.body or b"",
            "introspection_endpoint",
            self.issuer,
            allowed_hosts=self.allowed_hosts,
            allow_http_loopback=self.allow_http_loopback,
        )


class KnownEndpoint:
    """Remembers the address of an endpoint. Belongs to one event loop."""

    def __init__(self, endpoint: Endpoint, clock: Clock, freshness: Freshness) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._freshness = freshness
        self._url: str | None = None
        self._unasked_until = -math.inf
        self._usable_until = -math.inf
        self._failures = 0
        self._detail = ""
        self._search: asyncio.Task[None] | None = None

    async def url(self) -> str:
        """Return the address, waiting for one search at most.

        Raises:
            KeySourceUnavailable: it is not known.

        """
        if self._clock.monotonic() >= self._unasked_until:
            if self._search is None or self._search.done():
                self._search = asyncio.create_task(self._look())
            await asyncio.shield(self._search)
        if self._url is None or self._clock.monotonic() >= self._usable_until:
            raise KeySourceUnavailable(self._detail)
        return self._url

    async def close(self) -> None:
        """Give up the search under way."""
        if self._search is not None and not self._search.done():
            self._search.cancel()
            await asyncio.wait({self._search})

    async def _look(self) -> None:
        began = self._clock.monotonic()
        try:
            self._url = await self._endpoint.find()
        except KeySourceUnavailable as failure:
            self._detail = failure.detail
            self._failures += 1
            wait = self._freshness.backoff(self._failures)
            self._unasked_until = self._clock.monotonic() + wait
        else:
            self._failures = 0
            self._unasked_until = began + self._freshness.refresh_seconds
            self._usable_until = began + self._freshness.max_stale_seconds
