"""Settings as text: what is written is read back as it was meant, by our own strict reader."""

from pathlib import Path

import pytest

from gatepass.plugin.importers.settings_text import settings_text
from gatepass.plugin.settings.reading import read_document


def read_back(folder: Path, document: dict[str, object]) -> object:
    path = folder / "gatepass.yaml"
    path.write_text(settings_text(document, {"a": ["word " * 40], "a.b": ["x"]}, ["head"]))
    found = read_document(path, {})
    assert not found.findings
    return found.values


@pytest.mark.parametrize(
    "text",
    [
        *("plain", "*", "${HOME}", "a${b", "$", "no", "null", "~", "1e3", "12:30", "# no comment"),
        *("a: b", "- a", "{x}", "[x]", "'", '"', "\\", "ä\u2028", "x" * 300, "&a", "!t", "%", "@"),
    ],
)
def test_sec_60_any_text_comes_back_as_it_is(tmp_path: Path, text: str) -> None:
    document: dict[str, object] = {
        "a": {"b": text, "c": [text], "d": [{"e": text}], "f": [{"g": {text: text}}]}
    }
    assert read_back(tmp_path, document) == document


def test_empty_things_stay(tmp_path: Path) -> None:
    document: dict[str, object] = {"a": {"b": [], "c": {}}}
    assert read_back(tmp_path, document) == document


def test_comments_stand_above_and_wrap() -> None:
    text = settings_text(
        {"a": {"b": "1"}, "c": [{"d": {"e": "2"}}]},
        {"a.b": ["one"], "c[0].d": ["two"], "c[0]": ["three " * 30]},
        [],
    )
    lines = text.splitlines()
    assert lines[:4] == ["", "a:", "  # one", "  b: '1'"]
    assert lines[-3:] == ["    # two", "  - d:", "      e: '2'"]
    assert all(len(line) <= 96 for line in lines)
