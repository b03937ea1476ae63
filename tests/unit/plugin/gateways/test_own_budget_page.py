"""`GET /me/budget`: callers learn of their own limits, and of nobody else's."""

import json
from pathlib import Path
from typing import Any

import pytest

from gatepass.plugin import Gate, Request, Usage
from gatepass.plugin.budgets.limits import LimitStanding
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.gateways.http_door import decision_app
from support.asgi import Exchange, body_messages, exchange, http_scope
from support.doors import Bounds, ScriptedDecider
from support.gates import chat, chat_body, decide, open_gate, token

SECTIONS: dict[str, Any] = {
    "users": {"upsert": True, "defaults": {"budget": "$0.05 per 30d"}},
    "teams": {"upsert": True, "defaults": {"budget": "$1 per month"}},
    "budgets": {
        "proxy": "$100 per day",
        "prices": [{"model": "gpt-4o*", "input": "$2.50", "output": "$10", "max_output_tokens": 1}],
    },
}


async def ask(gate: Gate, *headers: tuple[bytes, bytes], method: str = "GET") -> Exchange:
    app = decision_app(gate, Bounds(), own=gate)
    scope = http_scope(method, b"/me/budget", headers, client=("192.0.2.1", 4711))
    done = await exchange(app, scope, body_messages(b""))
    assert app.faults == gate.faults == 0
    assert done.values(b"cache-control") == [b"no-store"]
    return done


def bearer(**claims: object) -> tuple[bytes, bytes]:
    return b"authorization", b"Bearer " + token(**claims)


async def test_a_caller_sees_what_is_spent_reserved_and_left(tmp_path: Path) -> None:
    async with open_gate(tmp_path, **SECTIONS) as gate:
        body = chat_body(model="gpt-4o", max_tokens=100)
        settled = await decide(gate, chat(token(team="red"), body=body))
        await gate.settle(settled.request_id, Usage(1000, 100))
        await decide(gate, chat(token(team="red"), body=body))
        done = await ask(gate, bearer(team="red"))
        assert done.status == 200
        limits = json.loads(done.body)["limits"]
    by_scope = {limit["scope"]: limit for limit in limits}
    assert by_scope.keys() == {"team", "user"}  # and not the deployment's
    team, user = by_scope["team"], by_scope["user"]
    assert (team["id"], team["unit"], team["limit"]) == ("red", "money", "1.00")
    assert (user["limit"], user["spent"], user["soft_limit"]) == ("0.05", "0.0035", None)
    reserved = round(float(user["reserved"]) * 10**9)
    assert reserved == len(body) * 2500 + 100 * 10_000
    left = round(float(user["left"]) * 10**9)
    assert left == 50_000_000 - 3_500_000 - reserved
    assert user["resets_at"].endswith("Z")
    assert user["used_up_at"] is None


async def test_a_caller_without_limits_sees_none(tmp_path: Path) -> None:
    async with open_gate(tmp_path) as gate:
        assert json.loads((await ask(gate, bearer())).body) == {"limits": []}


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ((), 401, "no_token"),
        (((b"authorization", b"Bearer x.y.z"),), 401, "malformed"),
        ((bearer(), bearer()), 400, "two_tokens"),
        ((bearer(exp=1),), 401, "expired"),
    ],
)
async def test_sec_64_nobody_in_particular_sees_nothing(
    tmp_path: Path, headers: tuple[tuple[bytes, bytes], ...], status: int, code: str
) -> None:
    async with open_gate(tmp_path, **SECTIONS) as gate:
        done = await ask(gate, *headers)
        assert (done.status, json.loads(done.body)["error"]["code"]) == (status, code)


async def test_who_is_not_provisioned_sees_nothing(tmp_path: Path) -> None:
    async with open_gate(tmp_path, users={"upsert": False}) as gate:
        done = await ask(gate, bearer())
        assert (done.status, json.loads(done.body)["error"]["code"]) == (403, "user_unknown")


async def test_other_methods_are_none_of_it(tmp_path: Path) -> None:
    async with open_gate(tmp_path) as gate:
        assert (await ask(gate, bearer(), method="POST")).status == 405


class Broken(ScriptedDecider):
    """Cannot tell."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def own_standings(self, request: Request) -> list[LimitStanding]:
        del request
        raise self.error


@pytest.mark.parametrize(
    ("error", "code", "faults"),
    [
        (StoreUnavailable(), "store_error", 0),
        (TimeoutError(), "deadline", 0),
        (RuntimeError("secret"), "internal_error", 1),
    ],
)
async def test_sec_41_who_cannot_tell_says_so(error: Exception, code: str, faults: int) -> None:
    decider = Broken(error)
    app = decision_app(decider, Bounds(), own=decider)
    done = await exchange(app, http_scope("GET", b"/me/budget", []), body_messages(b""))
    assert (done.status, json.loads(done.body)["error"]["code"]) == (503, code)
    assert app.faults == faults
    assert b"secret" not in done.body


async def test_without_a_gate_there_is_no_such_page() -> None:
    app = decision_app(ScriptedDecider(), Bounds())
    done = await exchange(app, http_scope("GET", b"/me/budget", []), body_messages(b""))
    assert done.status == 404
