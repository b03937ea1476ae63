"""`gatepass budgets prices`: what a model costs, for people and machines."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatepass.plugin.cli import app
from support.settings import LEAST_TEXT

PRICES = """\
budgets:
  free_models: [toy]
  prices:
    - {model: house-llm, input: $0.40, output: $0.80, max_output_tokens: 8192, until: 2026-12-01}
    - {model: house-llm, input: $0.50, output: $1, max_output_tokens: 8192, since: 2026-12-01,
       per_request: $0.001, cached_input: $0.000000001,
       long_context: [{above: 1000, input: $2, output: $3}]}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gatepass.yaml"
    path.write_text(LEAST_TEXT + PRICES)
    return path


def ask(settings: Path, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["budgets", "prices", *words, "-c", str(settings)])
    return result.exit_code, result.stdout, result.stderr


def test_prices_for_machines(settings: Path) -> None:
    words = ("house-llm", "toy", "gpt-4o", "nobodys", "--json", "--at", "2026-12-01")
    status, text, told = ask(settings, *words)
    assert status == 1
    assert told.startswith("nobodys without a price")
    answer = json.loads(text)
    assert answer["ok"] is False
    house, toy, gpt, nobodys = answer["prices"]
    assert house.pop("version").startswith("settings:house-llm:")
    assert house == {
        "model": "house-llm",
        "input": "$0.50",
        "output": "$1",
        "cached_input": "$0.000000001",
        "max_output_tokens": 8192,
        "per_request": "$0.001",
        "long_context": [{"above": 1000, "input": "$2", "output": "$3"}],
    }
    assert (toy["version"], toy["input"]) == ("free", "$0")
    assert gpt["version"].startswith("genai-prices ")
    assert (gpt["input"], gpt["output"]) == ("$2.50", "$10")
    assert nobodys == {"model": "nobodys", "version": None}


def test_prices_for_people(settings: Path) -> None:
    status, text, told = ask(settings, "house-llm", "claude-sonnet-4-5", "--at", "2026-11-30")
    assert (status, told) == (0, "")
    assert "$0.40" in text
    assert "settings:house-llm:" in text
    assert "above 200000 input tokens" in text
    status, text, told = ask(settings, "nobodys")
    assert status == 1
    assert "no price" in text
    assert "budgets.prices" in told


def test_help_shows_an_example(settings: Path) -> None:
    status, text, _ = ask(settings, "--help")
    assert status == 0
    assert "Example: gatepass budgets prices gpt-4o" in text
