"""What a door does when the Gate is late or broken."""

import asyncio
import logging

import pytest

from gatepass.plugin.decision import Unavailable
from gatepass.plugin.gateways import decider as module
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import Request
from support.doors import PASS, ScriptedDecider

REQUEST = Request(method="GET", target=b"/", headers=[])


def soon() -> float:
    return asyncio.get_running_loop().time() + 0.02


@pytest.mark.parametrize("warm", [True, False])
async def test_the_gate_decides(*, warm: bool) -> None:
    decider = ScriptedDecider(warm=warm)
    assert await Judge(decider).decide(REQUEST, soon()) is PASS
    assert decider.requests == [REQUEST]


async def test_sec_41_a_late_decision_is_a_refusal() -> None:
    judge = Judge(ScriptedDecider(answer=None))
    decision = await judge.decide(REQUEST, soon())
    assert isinstance(decision, Unavailable)
    assert decision.reason is Reason.DEADLINE
    assert judge.faults == 0


def test_sec_60_a_fault_is_counted_and_logged_by_its_type_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    judge = Judge(ScriptedDecider())
    with caplog.at_level(logging.DEBUG, logger="gatepass.gateways"):
        decision = judge.fault(ValueError("canary-token"))
    assert isinstance(decision, Unavailable)
    assert decision.reason is Reason.INTERNAL
    assert judge.faults == 1
    (record,) = caplog.records
    assert vars(record)["fault"] == "ValueError"
    assert "canary-token" not in str(vars(record))


class _Unready(ScriptedDecider):
    async def is_ready(self) -> bool:
        if isinstance(self.answer, Exception):
            raise self.answer
        await asyncio.Event().wait()
        return True


async def test_readiness_is_what_the_gate_says() -> None:
    assert await Judge(ScriptedDecider()).is_ready()
    assert not await Judge(ScriptedDecider(ready=False)).is_ready()


async def test_a_gate_that_does_not_say_so_in_time_is_not_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "READY_SECONDS", 0.01)
    judge = Judge(_Unready())
    assert not await judge.is_ready()
    assert judge.faults == 0


async def test_a_gate_that_breaks_when_asked_is_not_ready() -> None:
    judge = Judge(_Unready(answer=LookupError()))
    assert not await judge.is_ready()
    assert judge.faults == 1
