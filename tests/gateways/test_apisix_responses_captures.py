"""Responses as a real APISIX showed them, to our runner: read, and given back whole."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from support.apisix.messages import ResponseCall
from support.apisix.recordings import load, names
from support.apisix_calls import DOOR, Line, asked_in, extra, new_calls, response_in
from support.kong_events import Books, settled

BELONG_TO_ONE_CONNECTION = frozenset({b"content-length", b"transfer-encoding"})
"""Of what was recorded."""


def recorded() -> Iterator[tuple[str, bytes, ResponseCall]]:
    """Yield every response that was recorded, with its frame."""
    for name in names():
        for line in load(name):
            if line.is_frame and line.sender == "apisix" and line.octets is not None:
                message = line.message
                if isinstance(message, ResponseCall):
                    yield f"{name}-{message.id}", line.octets, message


RECORDED = list(recorded())


def test_some_were_recorded() -> None:
    assert {call.status for _, _, call in RECORDED} >= {200, 204, 304, 429}
    assert len(RECORDED) >= 15


@pytest.mark.parametrize(
    ("octets", "call"),
    [(octets, call) for _, octets, call in RECORDED],
    ids=[name for name, _, _ in RECORDED],
)
@pytest.mark.parametrize("method", [b"POST", b"HEAD"])
async def test_a_recorded_response_goes_on_as_it_came(
    octets: bytes, call: ResponseCall, method: bytes
) -> None:
    books = Books({"r-1"})
    line = Line(new_calls(books=books, door=replace(DOOR, read_responses=True)))
    said = line.say(octets)
    if call.status not in {204, 304}:
        assert asked_in(said) == b"request_method"
        said = line.say(extra(method))
    for answer in (b"r-1", b"{}"):  # of no response the length that was told
        if hasattr(said[0], "info"):
            said = line.say(extra(answer))
    answered = response_in(said)
    assert (answered.id, answered.status) == (call.id, call.status)
    kept = [line for line in call.headers if line[0].lower() not in BELONG_TO_ONE_CONNECTION]
    assert list(answered.headers) == kept
    has_body = call.status not in {204, 304} and method != b"HEAD"
    assert answered.body == (None if has_body else b" ")
    await settled()
    what = "release" if call.status == 429 else "settle_estimate"
    assert books.done == ([(what, "r-1", None)] if has_body else [])
