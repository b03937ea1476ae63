"""What docs/budgets.md says is so: its settings load, its tables are the product's."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatepass.plugin import load_settings
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.limits import Scope
from gatepass.plugin.cli import app
from gatepass.plugin.directory.budget_rows import BUDGET_COLUMNS, to_budget
from gatepass.plugin.settings.budget_text import parse_budget
from gatepass.rbac.windows import Period
from support.directories import query
from support.settings import LEAST_TEXT

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "budgets.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def first_column(heading: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", section(heading), re.MULTILINE)


def test_the_settings_load(tmp_path: Path) -> None:
    (text, *_) = blocks("yaml")
    (tmp_path / "gatepass.yaml").write_text(text)
    settings = load_settings(tmp_path / "gatepass.yaml")
    assert settings.budgets.proxy is not None
    assert settings.teams.defaults.member_budget is not None
    assert settings.teams.defaults.model_budgets


@pytest.mark.parametrize("text", first_column("Writing a budget"))
def test_the_ways_to_write_a_budget_are_ways(text: str) -> None:
    assert parse_budget(text).limits


def test_the_spans_of_the_calendar_are_all_named() -> None:
    named = re.findall(r"`([a-z]+)`", section("Writing a budget").rpartition("|")[2])
    assert set(named) >= {period.value for period in Period}


def test_the_scopes_stand_in_their_order() -> None:
    assert first_column("Which limits apply") == [scope.value for scope in Scope]


def test_the_modes_are_all_there() -> None:
    assert first_column("What is reserved")[1:] == [mode.value for mode in Admission]


def test_the_raise_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gatepass.yaml").write_text(LEAST_TEXT)
    (command,) = blocks("console")
    for words in ("budgets create gold --limit $5", command.removeprefix("$ gatepass ")):
        done = CliRunner().invoke(app, shlex.split(words))
        assert done.exit_code == 0, done.output
    columns = ", ".join(BUDGET_COLUMNS)
    (row,) = query(tmp_path / "gatepass.db", f"SELECT {columns} FROM budgets")  # noqa: S608 - names of ours
    budget = to_budget("gold", row)
    assert budget.raised is not None
    assert (budget.raised.until, budget.raised.nano) == (1_798_675_200, 25_000_000_000)
