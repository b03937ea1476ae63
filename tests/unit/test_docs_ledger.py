"""What the page about engines and the ledger shows is run, and answers what stands there."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from gatepass.plugin import load_settings
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.ledger_rows import COLUMNS, Outcome
from gatepass.plugin.cli import app
from support.settings import LEAST, LEAST_TEXT

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ledger.md"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [text for kind, text in _FENCE.findall(PAGE.read_text()) if kind == language]


def test_the_commands_answer_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gatepass.yaml").write_text(LEAST_TEXT)
    (shown,) = blocks("console")
    _, *runs = re.split(r"^\$ gatepass ", shown, flags=re.MULTILINE)
    for run in runs:
        command, _, answer = run.partition("\n")
        result = CliRunner().invoke(app, shlex.split(command))
        assert (result.exit_code, result.output) == (0, answer), command


def test_the_settings_of_the_page_load(tmp_path: Path) -> None:
    for text in blocks("yaml"):
        (tmp_path / "gatepass.yaml").write_text(text + yaml.safe_dump(dict(LEAST)))
        assert load_settings(tmp_path / "gatepass.yaml").budgets.engine is EngineKind.SQL


def test_the_page_names_every_engine_column_and_outcome() -> None:
    page = PAGE.read_text()
    for name in (*EngineKind, *COLUMNS, *Outcome):
        assert f"`{name}`" in page
