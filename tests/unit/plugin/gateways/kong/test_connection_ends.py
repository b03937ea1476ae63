"""How one of Kong's connections ends: by whom, when, and what happens to a reservation."""

import asyncio
from collections.abc import Callable

import pytest

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.frames import HEADERS_LIMIT
from gatepass.plugin.gateways.kong import events as module
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.doors import ScriptedDecider
from support.kong_events import Books, Line, WantsBody, new_events, settled
from support.kong_wire import event, field_of, framed, head, length

CLEARED = Allow("r-1", None, (), frozenset({b"x-a", b"x-b"}))
SENT = [(b"x-a", b""), (b"x-b", b"")]
"""Two headers to clear and the marker: three replies."""


@pytest.mark.parametrize("instance", [1, 2**31 - 1, 2**64 - 1])
@pytest.mark.parametrize("phase", [b"access", b"log"])
async def test_an_unknown_instance_closes_at_once_without_a_word(
    instance: int, phase: bytes
) -> None:
    """That is how Kong learns that it must start the instance anew."""
    line = Line(new_events())
    assert line.say(event(phase, instance), event()) == []
    assert line.wire.closed


@pytest.mark.parametrize(
    "garbage",
    [
        framed(b"\x80"),
        framed(b""),
        framed(field_of(1, 5)),
        b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        length(HEADERS_LIMIT + 1),
        b"\xff\xff\xff\xff",
    ],
)
async def test_sec_41_what_is_no_call_closes_after_a_while(garbage: bytes) -> None:
    line = Line(new_events())
    line.connection.data_received(garbage)
    assert not line.wire.closed
    assert line.say(event()) == []
    await asyncio.sleep(0.03)
    assert line.wire.closed
    assert line.heard() == []


@pytest.mark.parametrize("replies", [0, 1, 2, 3])
async def test_once_our_commands_are_sent_the_reservation_stays(replies: int) -> None:
    """Whether Kong went on nobody knows; giving it back would be a call for nothing."""
    line = Line(new_events(ScriptedDecider(CLEARED), books := Books()))
    line.say(event())
    line.say(*head(SENT))
    line.say(*[b""] * replies)
    line.lose()
    await settled()
    assert books.done == []


async def test_a_connection_that_goes_before_the_decision_releases_what_comes() -> None:
    line = Line(new_events(ScriptedDecider(CLEARED, warm=False), books := Books()))
    line.say(event())
    line.say(*head(SENT))
    line.lose()
    await settled()
    assert books.done == [("release", "r-1", None)]
    assert line.heard() == []


async def test_a_refusal_for_a_connection_that_went_is_forgotten() -> None:
    answer = refuse_for(Reason.NO_TOKEN)
    line = Line(events := new_events(ScriptedDecider(answer, warm=False), books := Books()))
    line.say(event())
    line.say(*head())
    line.lose()
    await settled()
    assert books.done == []
    assert line.heard() == []
    assert events.due == {}


@pytest.mark.parametrize("answered", range(7))
async def test_a_connection_that_goes_before_anything_was_decided(answered: int) -> None:
    line = Line(events := new_events(WantsBody(), books := Books()))
    line.say(event())
    line.say(*head()[:answered])
    line.lose()
    await settled()
    assert books.done == []
    assert events.due == {}
    assert events.deciding == 0
    assert events._connections == set()


async def test_sec_41_a_connection_that_goes_leaves_its_place_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 1)
    events = new_events(WantsBody())
    for answers in ((), head()[:2], head()):
        line = Line(events)
        assert line.say(event())[0] == b"kong.request.get_headers"
        line.say(*answers)
        assert events.overloaded
        line.lose()
        assert not events.overloaded
        assert not events._waits._waiting


async def test_a_settlement_outlives_its_connection() -> None:
    line = Line(new_events(books=(books := Books(known={"r-1"}))))
    line.say(event(b"log"))
    line.say(field_of(3, b"v1:r-1"), field_of(1, 403), field_of(1, b"{}"))
    line.lose()
    await settled()
    assert books.done == [("release", "r-1", None)]
    assert line.heard() == []


async def test_who_does_not_read_is_not_read() -> None:
    line = Line(new_events())
    line.connection.pause_writing()
    assert not line.wire.reading
    line.connection.resume_writing()
    assert line.wire.reading


async def test_a_connection_that_lingers_after_the_end_is_cut() -> None:
    line = Line(new_events(ScriptedDecider(refuse_for(Reason.NO_TOKEN))))
    line.say(event())
    line.say(*head())
    assert not line.wire.closed
    line.connection.overdue()
    assert line.wire.aborted


async def test_commands_that_kong_never_runs_are_given_up() -> None:
    line = Line(new_events(ScriptedDecider(CLEARED)))
    line.say(event())
    line.say(*head(SENT))
    line.connection.overdue()
    assert line.wire.aborted


# -- our own end -------------------------------------------------------------------------------


def _idle(_line: Line) -> None:
    """Nothing was said yet."""


def _served(line: Line) -> None:
    line.say(event())
    line.say(*head())
    line.say(b"")


def _asked(line: Line) -> None:
    line.say(event())


def _answered(line: Line) -> None:
    line.say(event())
    line.say(*head())


@pytest.mark.parametrize(
    ("state", "closes"), [(_idle, True), (_served, True), (_asked, False), (_answered, False)]
)
async def test_our_end_closes_what_is_idle(state: Callable[[Line], None], *, closes: bool) -> None:
    line = Line(new_events())
    state(line)
    line.connection.close_if_idle()
    assert line.wire.closed is closes


async def test_a_running_event_is_finished_and_then_the_connection_closed() -> None:
    line = Line(events := new_events())
    line.say(event())
    ending = asyncio.create_task(events.drain(5))
    await settled()
    assert line.say(*head())[-1] == b"\x08\x07"
    assert not line.wire.closed
    line.say(b"")
    assert line.wire.closed
    line.lose()
    async with asyncio.timeout(1):
        await ending
    assert not line.wire.aborted


async def test_an_event_that_does_not_end_is_cut_at_last() -> None:
    line = Line(events := new_events())
    line.say(event())
    await events.drain(0.01)
    assert line.wire.aborted


async def test_any_connection_can_be_cut() -> None:
    line = Line(new_events())
    line.connection.abort()
    assert line.wire.aborted


async def test_a_running_event_is_waited_for_also_after_all_connections_were_gone() -> None:
    events = new_events()
    Line(events).lose()
    line = Line(events)
    line.say(event())
    ending = asyncio.create_task(events.drain(5))
    await settled()
    assert not ending.done()
    assert not line.wire.closed
    line.say(*head())
    line.say(b"")
    line.lose()
    async with asyncio.timeout(1):
        await ending
    assert not line.wire.aborted
