"""Kong's older protocol, step by step, over connections that are none."""

import asyncio
import logging
from dataclasses import replace

import msgpack
import pytest

from gatepass.plugin.decision import Allow, Decision
from gatepass.plugin.gateways.kong.messagepack import is_messagepack
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState, Request
from support.doors import ScriptedDecider
from support.kong_events import DOOR, Books, WantsBody, new_events, settled
from support.kong_messagepack import END, HEAD, KONG, Line, refused
from support.kong_wire import DEFAULT

CLEARED = Allow("r-1", None, ((b"x-user", b"ann"),), frozenset({b"x-user"}))


async def test_instances_are_started_and_closed() -> None:
    line = Line(new_events())
    config = b'{"profile":"default"}'
    answer = line.call("plugin.StartInstance", {"Name": "gatepass", "Config": config})
    assert answer[b"Id"] == DEFAULT
    assert line.call("plugin.CloseInstance", DEFAULT) == {}
    assert line.begin()[b"Data"][b"Method"] == b"kong.request.get_headers"
    for hostile in ({"Name": "gatepass"}, {"Config": 5}, {"Config": None}, {}):
        assert line.call("plugin.StartInstance", hostile)[b"Id"] == 0


async def test_an_allowed_request_function_by_function() -> None:
    line = Line(events := new_events(decider := ScriptedDecider(CLEARED)))
    data, ran = line.play(line.begin())
    assert data == END
    assert ran == [
        *HEAD,
        "kong.service.request.clear_header",
        "kong.service.request.set_headers",
        "kong.ctx.shared.set",
    ]
    assert decider.requests[0].headers == [
        (b"host", b"h"),
        (b"x-bad", b"\xff\xfe"),
        (b"x_user", b"1"),
        (b"x_user", b"2"),
    ]
    assert (events.messagepack_events, events.due) == ({}, {})


async def test_the_steps_may_come_over_any_connection() -> None:
    events = new_events(WantsBody(CLEARED))
    lines = [Line(events) for _ in range(5)]
    answer, ran = lines[0].begin(), []
    while isinstance(answer[b"Data"], dict):
        ran.append(answer[b"Data"][b"Method"].decode())
        answer = lines[len(ran) % 5].step(answer[b"EventId"], KONG.get(ran[-1]))
    assert answer[b"Data"] == END
    assert ran[6] == "kong.request.get_raw_body"
    lines[0].connection.connection_lost(None)


async def test_a_refusal_ends_the_event() -> None:
    line = Line(events := new_events(ScriptedDecider(refuse_for(Reason.NO_TOKEN))))
    data, _ = line.play(line.begin())
    assert refused(data) is Reason.NO_TOKEN
    assert events.messagepack_events == {}
    assert not line.wire.closed


async def test_an_unknown_instance_is_said_in_kongs_words() -> None:
    """Kong looks for this text, starts the instance and sends the event again."""
    line = Line(new_events())
    assert b"no plugin instance" in line.begin(instance=12345)[b"error"]
    line.connection.close_if_idle()
    assert line.wire.closed


async def test_it_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    events = new_events()
    with caplog.at_level(logging.ERROR):
        Line(events)
        Line(events)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_a_decision_that_takes_time_answers_its_step_when_it_comes() -> None:
    door = replace(DOOR, deadline_seconds=0.02)
    for answer, reason in ((CLEARED, None), (None, Reason.DEADLINE)):
        line = Line(new_events(ScriptedDecider(answer, warm=False), door=door))
        said, _ = line.told_the_head()
        assert not said
        await asyncio.sleep(0.04)
        data = line.heard()[b"Data"]
        if reason is None:
            assert data[b"Method"] == b"kong.service.request.clear_header"
        else:
            assert refused(data) is reason


async def test_an_event_that_ended_cannot_be_gone_on_with() -> None:
    line = Line(new_events(ScriptedDecider(CLEARED)))
    begun = line.begin()
    assert line.play(begun)[0] == END
    assert refused(line.step(begun[b"EventId"], None)[b"Data"]) is Reason.GATEWAY_ERROR


async def test_nobody_guesses_an_event() -> None:
    events = new_events()
    lines = [Line(events) for _ in range(100)]
    ids = {line.begin()[b"EventId"] for line in lines}
    assert len(ids) == 100
    assert 0 not in ids
    assert max(ids) <= 2**52  # what a number of Lua's can hold
    assert max(ids) > 2**40


async def test_an_event_that_never_comes_back_is_forgotten_and_its_reservation_stays() -> None:
    line = Line(events := new_events(ScriptedDecider(CLEARED), books := Books()))
    _, event_id = line.told_the_head()
    (event,) = events.messagepack_events.values()
    event.overdue()
    await settled()
    assert (events.messagepack_events, events.due, books.done) == ({}, {}, [])
    assert refused(line.step(event_id, None)[b"Data"]) is Reason.GATEWAY_ERROR


async def test_a_log_event_settles_and_ends() -> None:
    kong: dict[str, object] = {
        "kong.ctx.shared.get": "v1:r-1",
        "kong.response.get_status": 403,
        "kong.log.serialize": "{}",
    }
    line = Line(new_events(books=(books := Books(known={"r-1"}))))
    answer = line.begin("log")
    for value in kong.values():
        answer = line.step(answer[b"EventId"], value)
    await settled()
    assert line.heard()[b"Data"] == END
    assert books.done == [("release", "r-1", None)]
    line = Line(new_events(books=Books(known={"r-1"})))
    assert line.play(line.begin("log"), {**kong, "kong.response.get_status": "x"})[0] == END


async def test_two_requests_in_one_read_and_one_in_many() -> None:
    line = Line(new_events())
    call = {"InstanceId": DEFAULT, "EventName": "access"}
    packed = msgpack.packb([0, 1, "plugin.HandleEvent", [call]])
    line.connection.data_received(packed + packed)
    for octet in packed:
        line.connection.data_received(bytes((octet,)))
    answers = msgpack.Unpacker(raw=True)
    answers.feed(line.wire.taken())
    assert [answer[1] for answer in answers] == [1, 1, 1]


@pytest.mark.parametrize(
    ("first", "is_one"),
    [
        (b"\x94\x00\x01", True),
        (b"\x94\x00\xcc", True),
        (b"\x94\x00\x00", False),  # a call of 148 bytes
        (b"\x0c\x00\x00", False),
        (b"\x93\x00\x01", False),
        (b"\x94\x01\x01", False),
    ],
)
def test_the_first_bytes_tell_the_protocol(first: bytes, *, is_one: bool) -> None:
    assert is_messagepack(first) is is_one


async def test_our_end_closes_what_waits_for_no_answer() -> None:
    idle = Line(events := new_events(ScriptedDecider(None, warm=False)))
    busy = Line(events)
    busy.told_the_head()
    ending = asyncio.create_task(events.drain(0.03))
    await settled()
    # the next step of the event that runs may come over any connection
    assert not idle.wire.closed
    assert not busy.wire.closed
    await ending
    assert idle.wire.aborted
    assert busy.wire.aborted


async def test_who_does_not_read_is_not_read() -> None:
    line = Line(new_events())
    line.connection.pause_writing()
    assert not line.wire.reading
    line.connection.resume_writing()
    assert line.wire.reading
    line.connection.overdue()
    assert line.wire.aborted


async def test_a_body_is_what_kong_says_of_it() -> None:
    seen = []

    class Seeing(WantsBody):
        def _give(self, request: Request) -> Decision:
            seen.append(request.body)
            return super()._give(request)

    for body in (b"", b"\xff", b"x" * 100_000):
        line = Line(new_events(Seeing()))
        line.play(line.begin(), {**KONG, "kong.request.get_raw_body": body})
        assert seen[-2:] == [BodyState.NOT_READ, body]
