"""The commands that the pages about rows show are run, and answer what stands there."""

import itertools
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatepass.plugin.cli import app
from gatepass.plugin.cli_row_options import FIELDS
from support.settings import LEAST_TEXT

DOCS = Path(__file__).resolve().parents[2] / "docs"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00|\"anchor\": \d+")
_MADE_ID = re.compile(r'"[0-9a-f]{32}"|"\.\.\."')
_ANYTHING = "..."


def blocks(page: str, language: str) -> list[str]:
    found = _FENCE.findall((DOCS / page).read_text())
    return [text for kind, text in found if kind == language]


def commands(page: str) -> list[tuple[list[str], str]]:
    """Return the commands of a page with what they answer."""
    found = []
    for block in blocks(page, "console"):
        _, *shown = re.split(r"^\$ gatepass ", block, flags=re.MULTILINE)
        for one in shown:
            command, _, answer = one.partition("\n")
            found.append((shlex.split(command), answer))
    return found


def comparable(text: str) -> str:
    return _MADE_ID.sub('"id"', _TIME.sub("then", text))


def check(page: str) -> None:
    Path("gatepass.yaml").write_text(LEAST_TEXT)
    for words, answer in commands(page):
        result = CliRunner().invoke(app, words)
        if answer.strip() == _ANYTHING:
            assert result.exit_code in {0, 1}, (words, result.output)
        else:
            assert comparable(result.output) == comparable(answer), words


def test_the_page_of_rows_says_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole, smaller = blocks("rows.md", "yaml")
    Path("directory.yaml").write_text(whole)
    Path("smaller.yaml").write_text(smaller)
    check("rows.md")


def test_the_page_of_the_import_says_what_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("export").mkdir()
    users, teams = blocks("import-litellm-rows.md", "json")
    Path("export/users.json").write_text(users)
    Path("export/teams.json").write_text(teams)
    check("import-litellm-rows.md")


def test_the_page_of_rows_names_every_option() -> None:
    rows = re.findall(r"^\| `gatepass .*\| (.*) \|$", (DOCS / "rows.md").read_text(), re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"[a-z-]+", row)}
    fields = set(itertools.chain.from_iterable(FIELDS.values()))
    options = {field.replace("_", "-") for field in fields} - {"model-limits"}
    several = {"model-aliases": "model-alias", "model-budgets": "model-budget"}
    assert {several.get(option, option) for option in options} <= named
