"""The order of a decision where a body is shown only when it is asked for."""

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from gatepass.plugin.decision import Allow, BodyWanted, Decision
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.body_waits import BodyWaits, Caller
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.gateways.deciding import decide_by_steps
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState, Request
from support.doors import PASS, ScriptedDecider

ASKED = "the body, please"
REQUEST = Request("POST", b"/v1/chat/completions", [], BodyState.NOT_READ)
NOT_SHOWN = refuse_for(Reason.BODY_NOT_SHOWN)
DENIED = refuse_for(Reason.MODEL_DENIED)


class Readers:
    """Reads bodies by asking, and notes for whom."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []

    def read(
        self, _door: ApisixDoor, _request: Request, _waits: BodyWaits, who: Caller
    ) -> Generator[str, Any, bytes | BodyState]:
        self.callers.append(who)
        body: bytes = yield ASKED
        if body == b"too many":
            raise RequestRefused(Reason.OVERLOADED)
        return body


def ended(decider: ScriptedDecider, readers: Readers, body: bytes = b"{}") -> Decision:
    """Return the decision, with every question answered and everything awaited."""
    steps = decide_by_steps(
        Judge(decider), ApisixDoor(), REQUEST, lambda: 0.0, BodyWaits(), readers.read
    )
    answer: object = None
    try:
        while True:
            step = steps.send(answer)
            answer = body if step == ASKED else decider.answer
            if asyncio.iscoroutine(step):
                step.close()
    except StopIteration as end:
        decision: Decision = end.value
        return decision


def wanted(conclusion: Decision | None, bodies: list[bytes | BodyState]) -> BodyWanted:
    """Return a decision that waits for a body, and what is made of it."""

    def conclude(body: bytes | BodyState) -> Decision | None:
        bodies.append(body)
        return conclusion

    return BodyWanted(Reason.BODY_NOT_SHOWN, who=("issuer", "ann"), conclude=conclude)


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("answer", [PASS, DENIED])
def test_no_body_is_read_where_none_is_needed(answer: Decision, *, warm: bool) -> None:
    readers = Readers()
    assert ended(ScriptedDecider(answer, warm=warm), readers) is answer
    assert readers.callers == []


def test_the_gate_goes_on_with_the_body_of_the_caller_it_waits_for() -> None:
    readers, bodies = Readers(), list[bytes | BodyState]()
    decider = ScriptedDecider(wanted(DENIED, bodies))
    assert ended(decider, readers, b"body") is DENIED
    assert (readers.callers, bodies) == ([("issuer", "ann")], [b"body"])
    assert [request.body for request in decider.requests] == [BodyState.NOT_READ]


def test_what_took_too_long_is_judged_anew_with_its_body() -> None:
    decider = ScriptedDecider(wanted(None, []))
    assert isinstance(ended(decider, Readers(), b"body"), BodyWanted)
    assert [request.body for request in decider.requests] == [BodyState.NOT_READ, b"body"]


def test_a_body_that_is_refused_twice_stays_refused() -> None:
    decider = ScriptedDecider(NOT_SHOWN)
    decision = ended(decider, Readers(), b"body")
    assert not isinstance(decision, Allow)
    assert decision.reason is Reason.BODY_NOT_SHOWN


def test_sec_41_a_body_that_may_not_be_waited_for_is_a_refusal() -> None:
    with pytest.raises(RequestRefused):
        ended(ScriptedDecider(NOT_SHOWN), Readers(), b"too many")
