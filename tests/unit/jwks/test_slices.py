"""What comes in is counted raw, and never much of it at once (SEC-22)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.slices import SLICE_BYTES, SlicedStream, Stream, most_bytes


class Firehose:
    """A connection on which everything is there at once."""

    def __init__(self) -> None:
        self.sent = b""
        self.closed = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        del timeout
        return b"x" * max_bytes

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's signature
        del timeout
        self.sent += buffer

    async def aclose(self) -> None:
        self.closed = True

    @property
    def start_tls(self) -> Callable[..., Awaitable[Stream]]:
        return self._with_tls

    async def _with_tls(self, *_how: object) -> Stream:
        return self

    def get_extra_info(self, info: str) -> object:
        return info


async def test_sec_22_every_slice_is_small_and_gives_up_the_loop() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    stream = SlicedStream(Firehose(), 100 * SLICE_BYTES)
    counting = asyncio.create_task(others())
    for _ in range(100):
        assert len(await stream.read(65536)) == SLICE_BYTES
    counting.cancel()
    assert turns >= 100
    assert len(await SlicedStream(Firehose(), 10).read(10)) == 10


async def test_sec_22_what_comes_in_is_bounded_before_and_after_tls_begins() -> None:
    plain = SlicedStream(Firehose(), 20)
    await plain.read(10)
    secure = await plain.start_tls("context")
    await secure.read(10)
    with pytest.raises(KeySourceUnavailable) as refused:
        await secure.read(1)
    assert refused.value.detail == "too large"


async def test_the_rest_is_the_connection_itself() -> None:
    firehose = Firehose()
    stream = SlicedStream(firehose, 1)
    await stream.write(b"GET")
    await stream.aclose()
    assert (firehose.sent, firehose.closed) == (b"GET", True)
    assert stream.get_extra_info("socket") == "socket"


def test_a_whole_body_and_its_framing_fit_in() -> None:
    assert most_bytes(512 * 1024) > 1024 * 1024
