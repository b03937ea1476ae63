"""Alerts beside a real Gate: one for each threshold and window, also when sending fails once."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gatepass.plugin import Usage
from gatepass.plugin.alerts.crossings import Alert
from gatepass.plugin.alerts.store import AlertStore
from gatepass.plugin.alerts.watch import LOOK_AT_ONCE, AlertWatch
from gatepass.plugin.alerts.watched import WatchedBudgets
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding, Scope
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.gate import Gate
from gatepass.plugin.settings import compile_settings
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER
from support.clock import ManualClock
from support.gates import chat, chat_body, decide, open_gate, token
from support.settings import sentences_of, settings_with

SECRET = "0123456789abcdef0123456789abcdef"
SECTIONS: dict[str, Any] = {
    "users": {"upsert": True},
    "teams": {"upsert": True, "defaults": {"budget": "$0.01 per day"}},
    "budgets": {
        "prices": [{"model": "gpt-4o*", "input": "$1", "output": "$10", "max_output_tokens": 1}]
    },
}


class Inbox:
    """Takes alerts, or does not."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.takes = True

    async def send(self, alert: Alert, now: int) -> bool:
        del now
        if self.takes:
            self.alerts.append(alert)
        return self.takes

    async def close(self) -> None:
        """Nothing to let go of."""

    def thresholds(self) -> list[str]:
        return [json.loads(alert.body)["data"]["threshold"] for alert in self.alerts]


async def spend(gate: Gate, tokens: int) -> None:
    body = chat_body(model="gpt-4o", max_tokens=1)
    allowed = await decide(gate, chat(token(team="red"), body=body))
    if allowed.allowed:
        await gate.settle(allowed.request_id, Usage(tokens, 0))


def watch_over(gate: Gate, inbox: Inbox, clock: ManualClock) -> tuple[AlertWatch, WatchedBudgets]:
    assert gate.database is not None
    watch = AlertWatch(AlertStore(gate.database), inbox, (80, 100), clock)
    engine = WatchedBudgets(gate._budgets, watch)
    gate._budgets = engine
    return watch, engine


async def test_each_threshold_is_told_once_in_its_window(tmp_path: Path) -> None:
    clock, inbox = ManualClock(), Inbox()
    async with open_gate(tmp_path, clock, **SECTIONS) as gate:
        watch, engine = watch_over(gate, inbox, clock)
        await spend(gate, 7_000)
        await watch.look(engine)
        assert inbox.alerts == []
        await spend(gate, 1_000)
        await watch.look(engine)  # also without another call
        await watch.look(engine)
        assert inbox.thresholds() == ["80%"]
        await spend(gate, 5_000)
        await spend(gate, 1)
        await watch.look(engine)
        assert inbox.thresholds() == ["80%", "100%"]
        other, _ = watch_over(gate, inbox, clock)  # as another process, which has sent nothing yet
        await spend(gate, 1)
        await other.look(engine)
        assert inbox.thresholds() == ["80%", "100%"]


async def test_what_nobody_takes_is_sent_again(tmp_path: Path) -> None:
    clock, inbox = ManualClock(), Inbox()
    async with open_gate(tmp_path, clock, **SECTIONS) as gate:
        watch, engine = watch_over(gate, inbox, clock)
        inbox.takes = False
        await spend(gate, 8_000)
        await watch.look(engine)
        inbox.takes = True
        await watch.look(engine)
        assert inbox.alerts == []
        clock.advance(20)
        await watch.look(engine)
        await watch.look(engine)
        assert inbox.thresholds() == ["80%"]


class Counted(MemoryBudgets):
    """Notes how many limits it is asked for, and how many turns others had before."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock, EngineRules())
        self.asked: list[int] = []
        self.turns_before: list[int] = []
        self.turns = 0

    async def standings(self, limits: Sequence[AppliedLimit]) -> Sequence[LimitStanding]:
        self.asked.append(len(limits))
        self.turns_before.append(self.turns)
        return await super().standings(limits)

    async def others(self) -> None:
        while True:
            await asyncio.sleep(0)
            self.turns += 1


async def test_many_limits_are_looked_at_some_at_a_time_and_decisions_go_on(tmp_path: Path) -> None:
    clock, inbox = ManualClock(), Inbox()
    async with open_gate(tmp_path, clock, **SECTIONS) as gate:
        watch, _ = watch_over(gate, inbox, clock)
        engine = Counted(clock)
        for number in range(2 * LOOK_AT_ONCE + 1):
            limit = AppliedLimit(Scope.USER, f"u-{number}", "b", Unit.MONEY, FOREVER, 10)
            watch.note([limit])
            if number % LOOK_AT_ONCE == 0:
                engine.reserve_now(Call(f"r-{number}", [limit], Amounts(10)))
                engine.settle_now(f"r-{number}", Cost(Amounts(10)))
        others = asyncio.create_task(engine.others())
        await watch.look(engine)
        others.cancel()
        assert engine.asked == [LOOK_AT_ONCE, LOOK_AT_ONCE, 1]
        assert len(set(engine.turns_before)) == 3
        assert inbox.thresholds() == ["80%", "100%"] * 3


async def test_limits_are_forgotten_when_no_call_on_them_can_be_settled(tmp_path: Path) -> None:
    clock, inbox = ManualClock(), Inbox()
    async with open_gate(tmp_path, clock, **SECTIONS) as gate:
        watch, engine = watch_over(gate, inbox, clock)
        await spend(gate, 1)
        await watch.look(engine)
        assert watch._noted
        clock.advance(606)
        await watch.look(engine)
        assert not watch._noted


async def test_the_engine_inside_does_the_rest() -> None:
    clock = ManualClock()
    inside = MemoryBudgets(clock, EngineRules())
    watched = WatchedBudgets(inside, AlertWatch(None, Inbox(), (), clock))  # type: ignore[arg-type] # nothing is kept
    await watched.open()
    watched.rules = rules = EngineRules(reservation_timeout_seconds=5)
    assert inside.rules is watched.rules is rules
    assert await watched.pending("r") is None
    assert not watched.may_remember("r")
    assert await watched.standings(()) == []
    await watched.ping()
    await watched.expire()
    await watched.withdraw("r")
    watched.withdraw_now("r")
    assert (await watched.release("r")).value == "unknown"
    await watched.close()


async def test_a_gate_with_alerts_watches_its_budgets(tmp_path: Path) -> None:
    alerts = {"url": "http://127.0.0.1:1/hook", "secret": SECRET}
    sections = {**SECTIONS, "budgets": {**SECTIONS["budgets"], "alerts": alerts}}
    async with open_gate(tmp_path, **sections) as gate:
        assert isinstance(gate._budgets, WatchedBudgets)
        await spend(gate, 9_000)


def test_what_the_settings_say() -> None:
    url = "https://hooks.example/x"
    rules = compile_settings(settings_with(budgets={"alerts": {"url": url, "secret": SECRET}}))
    assert rules.alerts is not None
    assert (rules.alerts.url, rules.alerts.percentages) == (url, (80, 100))
    assert SECRET not in repr(rules.alerts)
    assert compile_settings(settings_with()).alerts is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "http://hooks.example/"}, "url: not a URL"),
        ({"url": "https://user:pass@hooks.example/"}, "url: not a URL"),
        ({"url": "ftp://hooks.example/"}, "url: not a URL"),
        ({"secret": "short"}, "secret: not a token"),
        ({"thresholds": []}, "thresholds: name at least one"),
        ({"thresholds": [0]}, "thresholds[0]: must be from 1 to 100"),
        ({"thresholds": [101]}, "thresholds[0]: must be from 1 to 100"),
        ({"thresholds": [80, 80]}, "thresholds[1]: the same percentage"),
    ],
)
def test_what_they_may_not_say(changes: dict[str, object], told: str) -> None:
    alerts = {"url": "https://hooks.example/", "secret": SECRET, **changes}
    (sentence,) = sentences_of(budgets={"alerts": alerts})
    assert sentence.startswith(f"budgets.alerts.{told}")


def test_where_nothing_is_counted_nobody_can_be_told() -> None:
    alerts = {"url": "https://hooks.example/", "secret": SECRET}
    (sentence,) = sentences_of(budgets={"engine": "none", "alerts": alerts})
    assert sentence.startswith("budgets.alerts: nothing is counted")
