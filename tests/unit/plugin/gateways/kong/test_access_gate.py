"""The access phase with a real Gate behind it: which requests need a body, and what it changes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gatepass.plugin.gateways.body_waits import BodyWaits
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.gateways.kong.access import access
from gatepass.plugin.gateways.kong.calls import Exit, Proceed
from gatepass.plugin.reasons import Reason
from support.clock import ManualClock
from support.doors import Recording
from support.gates import OPEN_RULES, ann, chat_body, open_gate, rules
from support.kong_access import BODY, HEAD, KONG, PATIENT, refused, run
from support.kong_events import play

CHAT: dict[str, Any] = {
    "get_headers": [
        (b"content-type", b"application/json"),
        (b"authorization", b"Bearer " + ann()),
    ],
    "get_raw_body": chat_body(),
}


async def test_through_a_real_gate(tmp_path: Path) -> None:
    profiles = {"team-a": rules(models=["gpt-4o"])["default"], "default": {}}
    async with open_gate(tmp_path, profiles=profiles) as gate:

        async def code(**kong: object) -> tuple[str, bool]:
            ending, asked = await run(gate, PATIENT, **kong)
            reason = refused(ending) if isinstance(ending, Exit) else Reason.ALLOWED
            return reason.code, BODY in asked

        assert await code(**CHAT) == ("allowed", True)
        assert await code(**CHAT | {"get_headers": []}) == ("no_token", False)
        assert await code(**CHAT | {"get_headers": [(b"h", b"")] * 1000}) == ("headers_cut", False)
        assert await code(**CHAT | {"get_raw_body": chat_body(model="o3")}) == (
            "model_denied",
            True,
        )
        assert await code(**CHAT | {"get_raw_body": b""}) == ("body_not_shown", True)
        assert await code(**CHAT | {"get_raw_body": b"x" * 5001}) == ("body_too_large", True)
        long = [*CHAT["get_headers"], (b"content-length", b"5001")]
        assert await code(**CHAT | {"get_headers": long}) == ("body_too_large", False)


@pytest.mark.parametrize(("seconds", "again"), [(9, False), (11, True)])
async def test_sec_51_behind_a_slow_body_the_caller_is_looked_up_again(
    tmp_path: Path, seconds: int, *, again: bool
) -> None:
    clock = ManualClock()
    async with open_gate(tmp_path, clock, profiles={"team-a": OPEN_RULES}) as gate:
        recording = Recording(gate)
        await run(recording, PATIENT, **CHAT)
        recording.forget()

        class Late(dict[str, object]):
            def __getitem__(self, name: str) -> object:
                if name == BODY:
                    clock.advance(seconds)
                return super().__getitem__(name)

        kong = Late({name: CHAT.get(name.rsplit(".", 1)[-1], KONG[name]) for name in KONG})
        now = asyncio.get_running_loop().time
        ending, _ = await play(access(Judge(recording), PATIENT, "team-a", now, BodyWaits()), kong)
        assert isinstance(ending, Proceed)
        assert len(recording.requests) == 1 + again


async def test_sec_58_where_a_model_may_stay_unseen_a_readable_body_is_read(tmp_path: Path) -> None:
    unseen = rules(models=["gpt-4o"], unsafe_unseen_model_routes=["POST /v1/chat/completions"])
    async with open_gate(tmp_path, profiles={"team-a": unseen["default"]}) as gate:
        ending, asked = await run(gate, PATIENT, **CHAT | {"get_raw_body": chat_body(model="o3")})
        assert asked == [*HEAD, BODY]
        assert refused(ending) is Reason.MODEL_DENIED


async def test_a_route_that_spends_nothing_needs_no_body(tmp_path: Path) -> None:
    async with open_gate(
        tmp_path, profiles={"team-a": rules(routes=["info_routes"])["default"]}
    ) as gate:
        ending, asked = await run(
            gate,
            PATIENT,
            **CHAT,
            get_method=b"GET",
            get_path_with_query=b"/v1/models",
            get_path=b"/v1/models",
        )
        assert isinstance(ending, Proceed)
        assert asked == HEAD
