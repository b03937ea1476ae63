"""A request with a real Gate behind it: which ones need a body."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gatepass.plugin.gateways.apisix.questions import Rewrite, Stop
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason
from support.apisix_access import BODY, CHUNKED, PATH, refused, run
from support.apisix_calls import Told
from support.clock import ManualClock
from support.doors import Recording
from support.gates import OPEN_RULES, ann, chat_body, open_gate, rules

TOKEN: tuple[Header, ...] = (
    (b"content-type", b"application/json"),
    (b"authorization", b"Bearer " + ann()),
)


async def test_through_a_real_gate(tmp_path: Path) -> None:
    profiles = {"team-a": rules(models=["gpt-4o"])["default"], "default": {}}
    async with open_gate(tmp_path, profiles=profiles) as gate:

        async def code(body: object, headers: Sequence[Header] = TOKEN) -> tuple[str, bool]:
            ending, asked = await run(gate, Told(body=body), headers, patient=True)
            reason = refused(ending) if isinstance(ending, Stop) else Reason.ALLOWED
            return reason.code, BODY in asked

        assert await code(chat_body()) == ("allowed", True)
        assert await code(chat_body(), ()) == ("no_token", False)
        assert await code(chat_body(), [*TOKEN] * 50) == ("headers_cut", False)
        assert await code(chat_body(model="o3")) == ("model_denied", True)
        assert await code(None) == ("body_not_shown", True)
        assert await code(None, (*TOKEN, CHUNKED)) == ("body_not_shown", True)
        assert await code(b"x" * 5001) == ("body_too_large", True)
        long = (b"content-length", b"5001")
        assert await code(chat_body(), (*TOKEN, long)) == ("body_too_large", False)


@pytest.mark.parametrize(("seconds", "again"), [(9, False), (11, True)])
async def test_sec_51_behind_a_slow_body_the_caller_is_looked_up_again(
    tmp_path: Path, seconds: int, *, again: bool
) -> None:
    clock = ManualClock()
    async with open_gate(tmp_path, clock, profiles={"team-a": OPEN_RULES}) as gate:
        recording = Recording(gate)
        await run(recording, Told(body=chat_body()), TOKEN, patient=True)
        recording.forget()

        class Late(Told):
            def answer(self, question: Any) -> object:  # noqa: ANN401 - of either kind
                answer = super().answer(question)
                if answer == self.body:
                    clock.advance(seconds)
                return answer

        ending, _ = await run(recording, Late(body=chat_body()), TOKEN, patient=True)
        assert isinstance(ending, Rewrite)
        assert len(recording.requests) == 1 + again


async def test_a_route_that_spends_nothing_needs_no_body(tmp_path: Path) -> None:
    profiles = {"team-a": rules(routes=["info_routes"])["default"]}
    async with open_gate(tmp_path, profiles=profiles) as gate:
        told = Told(b"/v1/models")
        ending, asked = await run(gate, told, TOKEN, method="GET", path=b"/v1/models", patient=True)
        assert isinstance(ending, Rewrite)
        assert asked == [PATH]
