"""A caller who sends many bodies slowly holds a few places, not everybody's."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepass.plugin import Gate
from gatepass.plugin.gateways.body_waits import BodyWaits
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.gateways.kong.access import access
from gatepass.plugin.gateways.kong.calls import BODY, HEAD, Conversation, Exit, Proceed
from gatepass.plugin.reasons import Reason
from support.gates import chat, chat_body, open_gate, token
from support.kong_access import PATIENT
from support.kong_events import reason_in


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with open_gate(tmp_path) as opened:
        for subject in ("ann", "ben"):
            assert (await opened.decide(chat(token(sub=subject, user=subject)))).allowed
        yield opened


def begin(gate: Gate, waits: BodyWaits, subject: str) -> tuple[Conversation, object]:
    """Play a warm request up to what follows its head."""
    now = asyncio.get_running_loop().time
    conversation = access(Judge(gate), PATIENT, "default", now, waits)
    assert next(conversation) is HEAD
    bearer = b"Bearer " + token(sub=subject, user=subject)
    path = b"/v1/chat/completions"
    try:
        return conversation, conversation.send(
            [[(b"authorization", bearer)], b"POST", path, path, b"r", b""]
        )
    except StopIteration as ended:
        return conversation, ended.value


async def test_sec_41_beyond_a_callers_share_a_body_is_not_waited_for(gate: Gate) -> None:
    waits = BodyWaits(in_all=10, of_one=2)
    waiting = [begin(gate, waits, "ann") for _ in range(2)]
    assert [step for _, step in waiting] == [BODY, BODY]
    _, refused = begin(gate, waits, "ann")
    assert isinstance(refused, Exit)
    assert reason_in(refused.status, refused.body) is Reason.OVERLOADED
    assert begin(gate, waits, "ben")[1] is BODY
    with pytest.raises(StopIteration) as ended:
        waiting[0][0].send([chat_body()])
    assert isinstance(ended.value.value, Proceed)
    assert begin(gate, waits, "ann")[1] is BODY


async def test_sec_41_a_connection_that_is_gone_waits_no_longer(gate: Gate) -> None:
    waits = BodyWaits(in_all=1, of_one=1)
    conversation, step = begin(gate, waits, "ann")
    assert step is BODY
    conversation.close()
    assert begin(gate, waits, "ben")[1] is BODY
