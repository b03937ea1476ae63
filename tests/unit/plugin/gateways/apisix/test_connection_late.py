"""What comes too late, or half, on one of APISIX's connections: whose it is, and for how long."""

import asyncio
from dataclasses import replace

import pytest

from gatepass.plugin.gateways.apisix.exchange import CALL_LIMIT
from gatepass.plugin.gateways.connections import LINGER_SECONDS
from gatepass.plugin.reasons import Reason
from support.apisix_calls import (
    DOOR,
    TARGET,
    Line,
    ToldLater,
    call,
    extra,
    new_calls,
    prepare,
    refused,
    rewrite_in,
)
from support.doors import PASS
from support.kong_events import WantsBody, settled

SMALL = replace(DOOR, max_body_bytes=100)


async def test_sec_41_a_late_fault_is_never_the_next_calls() -> None:
    """It would refuse a request that has nothing to do with it."""
    line = Line(calls := new_calls(decider := ToldLater()))
    line.ask(TARGET)
    await settled()
    line.connection.overdue()
    line.wire.taken()
    line.ask(TARGET)
    await settled()
    decider.waiting[0].set_exception(LookupError("canary"))
    await settled()
    assert (line.heard(), calls.deciding, calls._judge.faults) == ([], 1, 1)
    decider.waiting[1].set_result(PASS)
    await settled()
    assert rewrite_in(line.heard())


@pytest.mark.parametrize("ending", [0, 1, 2])
async def test_sec_41_a_place_is_kept_until_the_late_body_has_come(ending: int) -> None:
    """Else a slow client could have as many connections as it likes wait for its bodies."""
    line = Line(calls := new_calls(WantsBody(), door=SMALL))
    line.ask(TARGET)
    line.connection.overdue()
    assert refused(line.heard()) is Reason.DEADLINE
    assert calls._waits._all == 1
    if ending == 0:
        assert line.say(extra(b"{}")) == []
    elif ending == 1:
        line.say(extra(bytes(CALL_LIMIT)))
    else:
        line.connection.overdue()
        assert line.wire.aborted
        line.lose()
    assert calls._waits._all == 0
    line.lose()
    assert calls._waits._all == 0


@pytest.mark.parametrize("sent", [1, 4, 40])
async def test_sec_41_a_call_of_which_only_the_beginning_comes_ends_its_connection(
    sent: int,
) -> None:
    line = Line(calls := new_calls())
    now = asyncio.get_running_loop().time()
    line.say(prepare(), call()[:sent])
    assert calls.due[line.connection] >= now + LINGER_SECONDS - 1
    line.connection.overdue()
    assert line.wire.aborted


async def test_sec_41_so_does_one_behind_a_call_that_is_still_decided() -> None:
    line = Line(calls := new_calls(decider := ToldLater()))
    line.ask(TARGET)
    line.say(call()[:40])
    await settled()
    decider.waiting[0].set_result(PASS)
    await settled()
    assert rewrite_in(line.heard())
    assert line.connection in calls.due
    line.connection.overdue()
    assert line.wire.aborted


@pytest.mark.parametrize("at", [1, 4, 40])
async def test_a_call_whose_rest_comes_has_the_time_of_any_other(at: int) -> None:
    line = Line(calls := new_calls())
    whole = call(token=7)
    line.say(whole[:at])
    assert line.say(whole[at:])
    assert calls.due == {}


async def test_a_connection_that_rests_behind_a_body_that_was_dropped_stays() -> None:
    line = Line(calls := new_calls(WantsBody(), door=SMALL))
    line.ask(TARGET)
    body = extra(bytes(CALL_LIMIT))
    line.connection.data_received(body[:100])
    assert line.heard()
    assert line.connection in calls.due
    line.connection.data_received(body[100:])
    line.connection.overdue()
    assert calls.due == {}
    assert not line.wire.closed
