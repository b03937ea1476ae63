"""References to the environment and to files, and what of them is never shown."""

from pathlib import Path

import pytest

from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.references import MAX_FILE_BYTES, read_text, resolve_references

ENVIRON = {"HOST": "idp.example", "EMPTY": "", "TRICK": "${HOST}", "YAML": "{a: [b]}"}
NOWHERE = Path("/nowhere")


def refused(text: str, folder: Path = NOWHERE) -> list[str]:
    with pytest.raises(BadValue) as raised:
        resolve_references(text, ENVIRON, folder)
    return [finding.sentence for finding in raised.value.findings]


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("plain", "plain"),
        ("$50 per 30d", "$50 per 30d"),
        ("${HOST}", "idp.example"),
        ("https://${HOST}/realms/${HOST}", "https://idp.example/realms/idp.example"),
        ("a${EMPTY}b", "ab"),
        ("$${HOST}", "${HOST}"),
        ("$$${HOST}", "$${HOST}"),
        ("$$", "$$"),
        ("$HOST", "$HOST"),
    ],
)
def test_references_are_replaced(text: str, resolved: str) -> None:
    assert resolve_references(text, ENVIRON, NOWHERE) == resolved


def test_what_comes_in_is_not_searched_again_and_stays_text() -> None:
    assert resolve_references("${TRICK}", ENVIRON, NOWHERE) == "${HOST}"
    assert resolve_references("${YAML}", ENVIRON, NOWHERE) == "{a: [b]}"


def test_files_are_read_less_the_line_break_at_their_end(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret \n", encoding="utf-8")
    assert resolve_references("${file:secret}", {}, tmp_path) == "s3cret "
    assert resolve_references(f"x${{file:{tmp_path}/secret}}y", {}, NOWHERE) == "xs3cret y"


@pytest.mark.parametrize("text", ["${}", "${A B}", "${1A}", "${A-}", "${A:-b}", "${file:}", "${A"])
def test_everything_else_in_braces_is_a_mistake(text: str) -> None:
    assert refused(text) == [
        "not a reference; write ${NAME} or ${file:/path}, and $${ where ${ itself is meant"
    ]


def test_every_missing_thing_is_named() -> None:
    assert refused("${NO_A} ${NO_B} ${file:gone}") == [
        "the environment variable NO_A is not set",
        "the environment variable NO_B is not set",
        "the file does not exist",
    ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert refused("${file:folder}", tmp_path) == ["the file cannot be read"]
    assert refused("${file:nul\0}", tmp_path) == ["the file cannot be read"]
    assert refused("${file:large}", tmp_path) == ["the file is larger than 1 MiB"]
    assert refused("${file:binary}", tmp_path) == ["the file is not UTF-8 text"]


def test_a_byte_order_mark_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbfissuers: []")
    assert read_text(tmp_path / "marked") == "issuers: []"
