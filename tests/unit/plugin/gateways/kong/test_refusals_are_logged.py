"""A refusal at this door reaches the log of refusals by its code, over either protocol."""

import logging
from typing import Protocol

import pytest

from gatepass.plugin.decision import Decision
from gatepass.plugin.gateways.kong.events import Events
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.doors import PASS, ScriptedDecider
from support.kong_events import Line, WantsBody, new_events, settled
from support.kong_messagepack import KONG
from support.kong_messagepack import Line as MessagePackLine
from support.kong_wire import event, field_of, head, text

REFUSALS = "gatepass.decisions"
CANARY = "canary"
PATH = "/v1/models"


class Ask(Protocol):
    """Has one request judged, whose target may be another than the path."""

    def __call__(self, events: Events, target: str = ..., /) -> None: ...


def _protobuf(events: Events, target: str = PATH) -> None:
    """Ask once; every request says its canary in a header, in the path and in the body."""
    line = Line(events)
    line.say(event())
    answers = list(head([(b"authorization", CANARY.encode())]))
    answers[2:4] = text(f"{target}?{CANARY}".encode()), text(PATH.encode())
    if line.say(*answers)[:1] == [b"kong.request.get_raw_body"]:
        line.say(field_of(1, CANARY.encode()))
    line.lose()


def _messagepack(events: Events, target: str = PATH) -> None:
    line = MessagePackLine(events)
    line.play(
        line.begin(),
        {
            **KONG,
            "kong.request.get_headers": {"authorization": CANARY},
            "kong.request.get_path_with_query": f"{target}?{CANARY}",
            "kong.request.get_path": PATH,
            "kong.request.get_raw_body": CANARY.encode(),
        },
    )


def noted(caplog: pytest.LogCaptureFixture) -> list[tuple[int, object]]:
    """Return level and code of what was said of refusals."""
    assert CANARY not in caplog.text
    assert not any(CANARY in str(vars(record)) for record in caplog.records)
    return [
        (record.levelno, vars(record)["code"])
        for record in caplog.records
        if record.name == REFUSALS
    ]


protocols = pytest.mark.parametrize("ask", [_protobuf, _messagepack])


@protocols
async def test_sec_60_what_is_the_callers_doing_is_one_line_each_at_level_info(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    for level, lines in ((logging.WARNING, 0), (logging.INFO, 3)):
        caplog.clear()
        with caplog.at_level(level, REFUSALS):
            for _ in range(3):
                ask(new_events(ScriptedDecider(refuse_for(Reason.EXPIRED))))
        assert noted(caplog) == [(logging.INFO, "expired")] * lines


@protocols
async def test_sec_60_what_is_our_fault_is_one_warning_for_many_requests(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    for level in (logging.WARNING, logging.INFO):
        caplog.clear()
        events = new_events(ScriptedDecider(refuse_for(Reason.PROFILE_UNKNOWN)))
        with caplog.at_level(level, REFUSALS):
            for _ in range(5):
                ask(events)
        assert noted(caplog) == [(logging.WARNING, "profile_unknown")]


@protocols
@pytest.mark.parametrize("answer", [refuse_for(Reason.STORE_ERROR), LookupError(CANARY)])
async def test_sec_60_a_decision_that_cannot_be_made_is_noted(
    ask: Ask, answer: Decision | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    code = answer.reason.code if not isinstance(answer, Exception) else Reason.INTERNAL.code
    events = new_events(ScriptedDecider(answer))
    with caplog.at_level(logging.INFO):
        ask(events)
        await settled()
    assert noted(caplog) == [(logging.WARNING, code)]


@protocols
async def test_sec_60_a_refusal_of_the_door_itself_is_noted(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, REFUSALS):
        ask(new_events(), "/public/../v1/models")
    assert noted(caplog) == [(logging.INFO, "ambiguous_path")]


@protocols
async def test_sec_60_a_refusal_behind_the_body_is_noted_once(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, REFUSALS):
        ask(new_events(WantsBody(refuse_for(Reason.MODEL_DENIED))))
    assert noted(caplog) == [(logging.INFO, "model_denied")]


@protocols
async def test_whoever_comes_in_is_no_line(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, REFUSALS):
        ask(new_events(WantsBody(PASS)))
    assert noted(caplog) == []
