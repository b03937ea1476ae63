"""`gatepass budgets usage`: bars for people, the same as JSON."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gatepass.plugin import Usage
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding, Scope
from gatepass.plugin.cli import app
from gatepass.plugin.commands.budget_usage import bar, used_percent
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER
from support.commands import gatepass, write_settings
from support.gates import chat, chat_body, decide, open_gate, token

SECTIONS: dict[str, Any] = {
    "users": {"upsert": True},
    "teams": {"upsert": True, "defaults": {"budget": "$0.01 per month"}},
    "budgets": {
        "proxy": "$100 per day",
        "prices": [{"model": "gpt-4o*", "input": "$1", "output": "$10", "max_output_tokens": 1}],
    },
}


async def ask(folder: Path, *words: str) -> tuple[int, str, str]:
    command = ["budgets", "usage", *words, "-c", str(folder / "gatepass.yaml")]
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    return result.exit_code, result.stdout, result.stderr or str(result.exception or "")


async def spend(folder: Path, tokens: int) -> None:
    async with open_gate(folder, **SECTIONS) as gate:
        body = chat_body(model="gpt-4o", max_tokens=1)
        allowed = await decide(gate, chat(token(team="red"), body=body))
        assert allowed.allowed
        await gate.settle(allowed.request_id, Usage(tokens, 0))


async def test_a_team_that_has_room(tmp_path: Path) -> None:
    await spend(tmp_path, 5000)
    status, text, _ = await ask(tmp_path, "red")
    assert status == 0
    assert "\u2588" * 10 + "\u2591" * 10 in text
    assert "50 %" in text
    assert "$0.005" in text
    status, text, _ = await ask(tmp_path, "red", "--json")
    assert status == 0
    (limit,) = json.loads(text)["limits"]
    assert (limit["scope"], limit["id"], limit["spent"], limit["left"]) == (
        "team",
        "red",
        "0.005",
        "0.005",
    )


async def test_a_team_that_has_none(tmp_path: Path) -> None:
    await spend(tmp_path, 10_000)
    status, text, _ = await ask(tmp_path, "red")
    assert status == 1
    assert "\u2588" * 20 in text
    assert "100 %" in text


async def test_the_whole_deployment_and_who_has_no_limits(tmp_path: Path) -> None:
    await spend(tmp_path, 5000)
    status, text, _ = await ask(tmp_path, "--of", "proxy", "--json")
    assert status == 0
    assert json.loads(text)["limits"][0]["spent"] == "0.005"
    status, text, _ = await ask(tmp_path, "ann", "--of", "user")
    assert (status, text) == (0, "no limits\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "whose limits"), (("red", "--of", "x"), "end_user")],
)
async def test_what_cannot_be_answered(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    await spend(tmp_path, 1)
    status, _, error = await ask(tmp_path, *words)
    assert status != 0
    assert told in error


@pytest.mark.parametrize(
    ("percent", "filled"), [(None, 0), (0, 0), (4, 0), (5, 1), (99, 19), (100, 20), (250, 20)]
)
def test_a_bar(percent: int | None, filled: int) -> None:
    assert bar(percent) == "\u2588" * filled + "\u2591" * (20 - filled)


@pytest.mark.parametrize(
    ("spent", "hard", "percent"),
    [(0, 0, 100), (1, 3, 33), (3, 3, 100), (7, 3, 233), (5, None, None)],
)
def test_how_much_is_used(spent: int, hard: int | None, percent: int | None) -> None:
    limit = AppliedLimit(Scope.TEAM, "red", "b", Unit.TOKENS, FOREVER, hard)
    assert used_percent(LimitStanding(limit, spent, 0, hard, None)) == percent


async def test_a_row_that_is_not_stored_ends_with_1_as_for_show(tmp_path: Path) -> None:
    path = write_settings(tmp_path, tmp_path / "gatepass.db")
    told = await gatepass(path, "budgets", "usage", "nope", "--json")
    assert (told.status, told.document["code"]) == (1, "not_found")
    assert told.err == "gatepass: team nope: is not stored\n"
