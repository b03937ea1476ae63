"""YAML files as values with places: what is read, and what is refused before it means anything."""

from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.settings.reading import Document, read_document
from support.settings import problems_of


def read(folder: Path, text: str) -> Document:
    path = folder / "gatepass.yaml"
    path.write_text(text, encoding="utf-8")
    return read_document(path, {})


def test_scalars_stay_the_text_that_is_written(tmp_path: Path) -> None:
    text = "{a: no, b: 0x10, c: 1_000, d: 12:30, e: 1e3, f: .nan, g: 2026-11-23, h: on, i: =, j: <}"
    values = read(tmp_path, text).values
    assert list(values.values()) == text[1:-1].replace(",", ":").split(": ")[1::2]


@pytest.mark.parametrize("empty", ["", "~", "null", "Null", "NULL"])
def test_an_empty_value_is_none_and_a_quoted_one_is_text(tmp_path: Path, empty: str) -> None:
    assert read(tmp_path, f"a: {empty}\nb: '{empty}'").values == {"a": None, "b": empty}


def test_every_value_has_its_place(tmp_path: Path) -> None:
    origin = read(tmp_path, "a:\n  - b: 1\n    c: [x,\n        y]\n").origin
    assert origin.folder == tmp_path
    assert origin.marks == {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", 0): (2, 5),
        ("a", 0, "b"): (2, 5),
        ("a", 0, "c"): (3, 5),
        ("a", 0, "c", 0): (3, 9),
        ("a", 0, "c", 1): (4, 9),
    }


def test_a_relative_path_starts_at_the_file_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gatepass.yaml").write_text("a: b", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    origin = read_document(Path("gatepass.yaml"), {}).origin
    assert (origin.file, origin.folder) == ("gatepass.yaml", tmp_path)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"

FILES = [
    ("", [" the file is empty"]),
    ("# nothing but a comment\n", [" the file is empty"]),
    ("---\n", [" the file is empty"]),
    ("null\n", [" the file is empty"]),
    ("- a\n- b\n", ["1:1: must be a mapping of settings"]),
    ("just text\n", ["1:1: must be a mapping of settings"]),
    ("a: b\n---\nc: d\n", ["2:1: a second YAML document; write one"]),
    (
        "a: [b\n",
        ["2:1: not YAML: expected ',' or ']', but got '<stream end>'"],
    ),
    ("a: b: c\n", ["1:5: not YAML: mapping values are not allowed here"]),
    ("\ta: b\n", ["1:1: not YAML: found character '\\t' that cannot start any token"]),
    ("a: 'b\n", ["2:1: not YAML: found unexpected end of stream"]),
    ("a: \x01\n", ["1:4: a character that YAML does not allow"]),
    ("a: b\nc:\n  d: \ud7ff\x07\n", ["3:7: a character that YAML does not allow"]),
    (
        "a: [${B}]\n",
        [
            (
                "1:6: not YAML: expected ',' or ']', but got '{'; quote values that begin with "
                "* & ! % @ or `, and those with { } or :: inside [ ] and { }"
            )
        ],
    ),
    (
        "a: [/files/{file_id}]\n",
        [
            (
                "1:12: not YAML: expected ',' or ']', but got '{'; quote values that begin with "
                "* & ! % @ or `, and those with { } or :: inside [ ] and { }"
            )
        ],
    ),
    (
        "a: [::1]\n",
        [
            (
                "1:5: not YAML: expected the node content, but found ':'; quote values that begin "
                "with * & ! % @ or `, and those with { } or :: inside [ ] and { }"
            )
        ],
    ),
    ("a: " + "[" * 21, ["1:24: nested deeper than 20 levels"]),
    ("a: " + "[" * 100_000, ["1:24: nested deeper than 20 levels"]),
    ("a: " + "{b: " * 100_000, ["1:84: nested deeper than 20 levels"]),
]


@pytest.mark.parametrize(("text", "problems"), FILES, ids=range(len(FILES)))
def test_files_that_are_no_settings_at_all(tmp_path: Path, text: str, problems: list[str]) -> None:
    assert problems_of(tmp_path, text) == problems


PARTS = [
    ("a: 1\na: 2\n", ["2:1: a: given twice; it already stands in line 1"]),
    ("a: 1\n'a': {b: [c, {d: e}]}\n", ["2:1: a: given twice; it already stands in line 1"]),
    (
        BOMB,
        [
            "1:4: a: anchors are not accepted; write the value out",
            "2:4: b: anchors are not accepted; write the value out",
            "2:8: b[0]: aliases are not accepted; write the value out",
            "2:12: b[1]: aliases are not accepted; write the value out",
            "3:5: c[0]: aliases are not accepted; write the value out",
            "3:9: c[1]: aliases are not accepted; write the value out",
        ],
    ),
    (
        "a: !!python/object/apply:os.system [ls]\nb: !!int 5\nc: ! d\n",
        [
            "1:4: a: YAML tags are not accepted; write the value alone",
            "2:4: b: YAML tags are not accepted; write the value alone",
            "3:4: c: YAML tags are not accepted; write the value alone",
        ],
    ),
    ("? [a, b]\n: [c, d]\n", ["1:3: the name of a setting must be plain text"]),
    ("a: ${GONE}\n", ["1:1: a: the environment variable GONE is not set"]),
    ("a: ['${GONE}', b]\n", ["1:5: a[0]: the environment variable GONE is not set"]),
]


@pytest.mark.parametrize(("text", "problems"), PARTS, ids=range(len(PARTS)))
def test_parts_that_are_refused_while_the_rest_is_read(
    tmp_path: Path, text: str, problems: list[str]
) -> None:
    document = read(tmp_path, text)
    front = f"{tmp_path}/gatepass.yaml:"
    found = document.origin.error(document.findings).problems
    assert [problem.removeprefix(front) for problem in found] == problems


def test_a_file_that_is_not_there_or_not_a_file(tmp_path: Path) -> None:
    for path, problem in (
        (tmp_path / "gone.yaml", "the file does not exist"),
        (tmp_path, "the file cannot be read"),
    ):
        with pytest.raises(ConfigurationError) as raised:
            read_document(path, {})
        assert raised.value.problems == (f"{path}: {problem}",)
