"""What a server sends is taken in small slices, and counted raw (SEC-22).

The HTTP parser handles all that it was given before it lets go of the event loop, and a thousand
chunks of one byte, or a thousand interim answers, fit into one large read: so no read is large, and
after each the loop gets its turn. None of these octets need ever show in a body, so they are
counted here, headers and chunk framing included.

Who connects, and how long all of it may take, is the fetcher's business.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from gatepass.jwks.errors import KeySourceUnavailable

SLICE_BYTES: Final = 2048
_FRAMING_BYTES: Final = 128 * 1024


class Stream(Protocol):
    """A connection as httpcore has it; read by its name alone, so that httpcore stays lazy."""

    @property
    def start_tls(self) -> Callable[..., Awaitable["Stream"]]:
        """Return what begins TLS on the connection."""
        ...

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        """Return what came in, nothing at the end."""
        ...

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        """Send."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...

    def get_extra_info(self, info: str) -> object:
        """Return what there is to know about the connection by that name."""
        ...


def most_bytes(max_body_bytes: int) -> int:
    """Return how much may come in for a body of so many bytes at most."""
    return 2 * max_body_bytes + _FRAMING_BYTES


class SlicedStream:
    """A connection that hands out a little at a time, and `max_bytes` in all."""

    def __init__(self, stream: Stream, max_bytes: int) -> None:
        self._stream = stream
        self._left = max_bytes

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        """Return the next slice, nothing at the end.

        Raises:
            KeySourceUnavailable: when it is too much in all.

        """
        await asyncio.sleep(0)
        octets = await self._stream.read(min(max_bytes, SLICE_BYTES), timeout)
        self._left -= len(octets)
        if self._left < 0:
            raise KeySourceUnavailable("too large")
        return octets

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        """Send."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(self, *how: object, **more: object) -> "SlicedStream":
        """Return the connection with TLS on it; what came in before counts."""
        return SlicedStream(await self._stream.start_tls(*how, **more), self._left)

    def get_extra_info(self, info: str) -> object:
        """Return what there is to know about the connection by that name."""
        return self._stream.get_extra_info(info)
