"""Bodies, read up to a limit and replayed."""

from typing import TYPE_CHECKING

import pytest

from gatepass.plugin.gateways.bodies import read_body, replay
from gatepass.plugin.request import BodyState
from support.asgi import HANG_UP, Exchange, body_messages

if TYPE_CHECKING:
    from starlette.types import Message


@pytest.mark.parametrize(
    ("chunks", "body"),
    [
        ((b"",), b""),
        ((b"0123456789",), b"0123456789"),
        ((b"01234", b"56789"), b"0123456789"),
        ((b"01234", b"", b"56789", b""), b"0123456789"),
        ((b"0123456789a",), BodyState.TOO_LARGE),
        ((b"01234", b"56789", b"a"), BodyState.TOO_LARGE),
    ],
)
async def test_a_body_up_to_the_limit(chunks: tuple[bytes, ...], body: bytes | BodyState) -> None:
    client = Exchange(body_messages(*chunks))
    assert await read_body(client.receive, 10, []) == body


async def test_a_large_body_is_not_read_to_its_end() -> None:
    client = Exchange(body_messages(*[b"x" * 8] * 100))
    seen: list[Message] = []
    assert await read_body(client.receive, 10, seen) is BodyState.TOO_LARGE
    assert client.taken == len(seen) == 2


@pytest.mark.parametrize("before", [(), (b"01",)])
async def test_who_hangs_up_has_no_body(before: tuple[bytes, ...]) -> None:
    messages = [{**message, "more_body": True} for message in body_messages(*before)]
    client = Exchange([*messages, HANG_UP])
    assert await read_body(client.receive, 10, []) is None


async def test_a_message_without_members_is_an_empty_end() -> None:
    assert await read_body(Exchange([{"type": "http.request"}]).receive, 10, []) == b""


async def test_what_was_seen_is_replayed_and_the_rest_follows() -> None:
    messages = [*body_messages(b"0123456789", b"more", b"end"), HANG_UP]
    client = Exchange(messages)
    seen: list[Message] = []
    await read_body(client.receive, 5, seen)
    receive = replay(seen, client.receive)
    assert [await receive() for _ in messages] == messages
