"""The log phase on a connection when something goes wrong: it ends, and the next call is served."""

import pytest

from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.gateways.frames import HEADERS_LIMIT
from support.kong_events import Books, Line, new_events, settled
from support.kong_wire import event, field_of, framed, length

GOES_ON = [b"", b"\x08\x07"]
UNREADABLE = b"\x80"
HUGE = length(HEADERS_LIMIT + 1) + bytes(HEADERS_LIMIT + 1)

MARKER = (field_of(3, b"v1:r-1"),)
STATUS = (field_of(1, 200),)
NOTHING = (b"\x08\x01", b"\x08\x01")

LOG_STEPS = [
    (),
    MARKER,
    (*MARKER, *STATUS),
    (*MARKER, *STATUS, NOTHING[0]),
    (*MARKER, *STATUS, *NOTHING),
]
"""What Kong has answered when something goes wrong; one question or two are open."""


def still_serves(line: Line) -> bool:
    """Tell whether the connection takes the next call."""
    return bool(line.say(event())) and not line.wire.closed


def logging_line(step: tuple[bytes, ...], books: Books) -> Line:
    line = Line(new_events(books=books))
    line.say(event(b"log"))
    for answer in step:
        line.say(answer)
    return line


def open_questions(step: tuple[bytes, ...]) -> int:
    return 2 if step == LOG_STEPS[2] else 1


@pytest.mark.parametrize("step", LOG_STEPS)
@pytest.mark.parametrize("bad", [framed(UNREADABLE), HUGE])
async def test_a_log_event_that_cannot_be_read_ends_and_the_next_call_is_served(
    step: tuple[bytes, ...], bad: bytes
) -> None:
    """A log entry grows with what a client sends: Kong's AI plugins can log whole prompts."""
    line = logging_line(step, books := Books(known={"r-1"}))
    line.connection.data_received(bad)
    assert line.heard() == GOES_ON
    assert line.say(*[b""] * (open_questions(step) - 1)) == []
    assert books.done == []
    assert still_serves(line)


@pytest.mark.parametrize("step", LOG_STEPS)
async def test_a_log_event_that_takes_too_long_ends_and_the_next_call_is_served(
    step: tuple[bytes, ...],
) -> None:
    line = logging_line(step, books := Books(known={"r-1"}))
    line.connection.overdue()
    assert line.heard() == GOES_ON
    assert line.say(*[b"late"] * open_questions(step)) == []
    assert books.done == []
    assert still_serves(line)


async def test_an_exception_ends_a_log_event_and_the_next_call_is_served() -> None:
    class Broken(Books):
        def may_be_settled(self, request_id: str) -> bool:
            raise LookupError(request_id)

        async def release(self, request_id: str) -> Settlement:
            raise LookupError(request_id)

    class BrokenLater(Broken):
        def may_be_settled(self, request_id: str) -> bool:
            return bool(request_id)

    for books in (Broken(), BrokenLater()):
        line = Line(events := new_events(books=books))
        line.say(event(b"log"))
        frames = line.say(*MARKER)
        if isinstance(books, BrokenLater):
            line.say(field_of(1, 403), field_of(1, b"{}"))
            await settled()
            frames = line.heard()
        assert frames == GOES_ON
        assert events._judge.faults == 1
        assert still_serves(line)
