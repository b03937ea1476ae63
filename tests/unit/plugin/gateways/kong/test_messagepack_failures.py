"""Kong's older protocol when something goes wrong: nothing that we say is a yes."""

import asyncio

import msgpack
import pytest

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.kong import events as module
from gatepass.plugin.reasons import Reason
from support.doors import ScriptedDecider
from support.kong_events import WantsBody, new_events, settled
from support.kong_messagepack import END, KONG, Line, refused

CLEARED = Allow("r-1", None, ((b"x-user", b"ann"),), frozenset({b"x-user"}))


@pytest.mark.parametrize("function", list(KONG))
@pytest.mark.parametrize(
    "value", [5, True, [1], {"a": 5}, {"a": {"b": "c"}}, msgpack.ExtType(1, b"")]
)
async def test_sec_41_a_result_that_cannot_be_read_is_a_refusal(
    function: str, value: object
) -> None:
    line = Line(events := new_events(WantsBody()))
    data, ran = line.play(line.begin(), {**KONG, function: value})
    assert ran[-2:] == [function, "kong.response.exit"]
    assert refused(data) is Reason.GATEWAY_ERROR
    assert events.messagepack_events == {}


@pytest.mark.parametrize("warm", [True, False])
async def test_sec_41_an_exception_is_a_refusal(*, warm: bool) -> None:
    line = Line(events := new_events(ScriptedDecider(LookupError("canary"), warm=warm)))
    said, _ = line.told_the_head()
    await settled()
    assert refused((said or line.heard())[b"Data"]) is Reason.INTERNAL
    assert events._judge.faults == 1
    assert events.messagepack_events == {}


@pytest.mark.parametrize("event_id", [0, 1, -1, 2**53, 2**63, 1.0, True, None, "1", b"", [1], {}])
async def test_sec_41_a_step_of_an_event_that_nobody_knows_is_a_refusal(event_id: object) -> None:
    line = Line(new_events())
    assert refused(line.step(event_id, "x")[b"Data"]) is Reason.GATEWAY_ERROR
    assert refused(line.call("plugin.Step", {})[b"Data"]) is Reason.GATEWAY_ERROR
    assert not line.wire.closed


async def test_sec_41_a_step_that_nobody_asked_for_is_a_refusal() -> None:
    line = Line(new_events(ScriptedDecider(CLEARED, warm=False)))
    _, event_id = line.told_the_head()
    assert refused(line.step(event_id, "x")[b"Data"]) is Reason.GATEWAY_ERROR


@pytest.mark.parametrize("phase", ["", "response", "Access", b"\xff", 5, None, ["access"]])
async def test_sec_41_a_phase_that_is_not_ours_is_refused(phase: object) -> None:
    line = Line(new_events())
    assert refused(line.begin(phase)[b"Data"]) is Reason.GATEWAY_ERROR


@pytest.mark.parametrize("instance", ["1", 1.5, True, None, [], {}])
async def test_sec_41_an_instance_that_is_no_number_has_no_profile(instance: object) -> None:
    line = Line(new_events(decider := ScriptedDecider()))
    line.play(line.begin(instance=instance))
    assert [request.profile for request in decider.requests] == [""]


async def test_sec_41_overload_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 1)
    line = Line(events := new_events())
    first = line.begin()
    assert refused(line.begin()[b"Data"]) is Reason.OVERLOADED
    events.messagepack_events[first[b"EventId"]].overdue()
    assert line.begin()[b"Data"][b"Method"] == b"kong.request.get_headers"


async def test_a_log_event_never_exits() -> None:
    line = Line(new_events())
    said = line.begin("log")
    next(iter(line.events.messagepack_events.values()))._asked = (line.connection, 1)
    assert line.step(said[b"EventId"], "x")[b"Data"] == END


async def test_sec_41_a_log_event_is_never_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EVENTS", 0)
    line = Line(new_events())
    assert line.begin("log")[b"Data"][b"Method"] == b"kong.ctx.shared.get"


@pytest.mark.parametrize("method", ["plugin.HandleEvent", "plugin.Step", "plugin.StepMultiMap"])
@pytest.mark.parametrize("params", [[], [5], [None], [{}, {}], ["access"]])
async def test_sec_41_an_event_with_other_arguments_is_refused(
    method: str, params: list[object]
) -> None:
    line = Line(new_events())
    answer = line.call(method, *params)
    assert refused(answer.get(b"Data")) is Reason.GATEWAY_ERROR


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xc1",
        msgpack.packb(5),
        msgpack.packb([1, 1, None, None]),
        msgpack.packb([0, "1", "plugin.HandleEvent", [{}]]),
        msgpack.packb([0, 1, 5, [{}]]),
        msgpack.packb([0, 1, "plugin.HandleEvent", {}]),
        msgpack.packb([0, 1, "plugin.HandleEvent"]),
        msgpack.packb([0, 1, "plugin.HandleEvent", [{5: 6}]]),
        b"\x94\x00\x01\xdf\xff\xff\xff\xff",
        b"\x94\x00\x01\xdb\xff\xff\xff\xff" + b"x" * (2 * 1024 * 1024),
        b"\xc6\xff\xff\xff\xff" + b"x" * (2 * 1024 * 1024),
        b"\x91" * 100_000,
        b"\x94\x00\x01\xa1" + b"x" * (2 * 1024 * 1024),
    ],
)
async def test_sec_41_what_is_no_request_closes_after_a_while_and_allows_nothing(
    garbage: bytes,
) -> None:
    line = Line(events := new_events())
    line.connection.data_received(garbage)
    assert not line.wire.closed
    await asyncio.sleep(0.03)
    assert line.wire.closed
    assert END not in line.wire.written
    assert events.messagepack_events == {}


async def test_sec_41_our_end_lets_events_come_to_theirs() -> None:
    line = Line(new_events())
    line.begin()
    line.connection.close_if_idle()
    assert not line.wire.closed
