"""Where the command starts: the question that Kong waits for is answered without loading much."""

import json
import subprocess
import sys

import pytest

from gatepass.plugin.commands.kong_dump import run_dump
from gatepass.plugin.entry import asked_to_dump, main

HEAVY = {
    *("typer", "click", "rich", "pydantic", "yaml", "asyncio", "uvloop", "sqlalchemy", "alembic"),
    *("httpx", "msgspec", "msgpack", "cryptography", "jwt", "uvicorn", "starlette", "structlog"),
    *("logging", "socket", "ssl", "selectors", "inspect", "dataclasses", "pathlib"),
}
LOADED = """
import sys
before = set(sys.modules)
sys.argv = ["gatepass", "kong", "--dump"]
from gatepass.plugin.entry import main
try:
    main()
except SystemExit as left:
    assert not left.code
print("\\n".join(sorted(sys.modules.keys() - before)), file=sys.stderr)
"""


def test_what_kong_waits_for_loads_only_what_it_needs() -> None:
    # -S: what an environment loads at every start is none of ours
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path = {sys.path!r}\n{LOADED}"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stderr.split()
    ours = [name for name in loaded if name.startswith("gatepass")]
    assert ours == [
        "gatepass",
        "gatepass.plugin",
        "gatepass.plugin.commands",
        "gatepass.plugin.commands.kong_dump",
        "gatepass.plugin.entry",
        "gatepass.plugin.gateways",
        "gatepass.plugin.gateways.kong",
        "gatepass.plugin.gateways.kong.dump",
        "gatepass.plugin.gateways.kong.marker",
        "gatepass.plugin.version",
    ]
    assert not {name.partition(".")[0] for name in loaded} & HEAVY
    assert len(loaded) < 60
    assert json.loads(done.stdout)["Protocol"] == "ProtoBuf:1"


@pytest.mark.parametrize(
    ("words", "protocol"),
    [
        ("kong --dump", "protobuf"),
        ("kong --dump --protocol msgpack", "msgpack"),
        ("kong --dump --protocol=protobuf", "protobuf"),
        ("kong --protocol msgpack --dump", "msgpack"),
        ("kong --protocol=x --dump", "x"),
        ("kong", None),
        ("", None),
        ("--dump", None),
        ("kong --dump -c gatepass.yaml", None),
        ("kong --dump --protocol", None),
        ("kong --protocol msgpack", None),
        ("kong config --dump", None),
        ("serve --dump", None),
    ],
)
def test_which_command_lines_ask_for_it(words: str, protocol: str | None) -> None:
    assert asked_to_dump(words.split()) == protocol


@pytest.mark.parametrize(
    "words",
    ["kong --dump", "kong --dump -c gatepass.yaml", "kong --dump --protocol=msgpack"],
)
def test_every_way_to_ask_gets_the_document_alone(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gatepass", *words.split()])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    out, err = capsys.readouterr()
    protocol = "MsgPack:1" if "msgpack" in words else "ProtoBuf:1"
    assert out.count("\n") == 1
    assert json.loads(out)["Protocol"] == protocol
    assert bool(err) == ("msgpack" in words)


def test_sec_41_the_protocol_that_fails_open_is_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run_dump("msgpack") == 0
    warning = capsys.readouterr().err
    assert warning.count("WARNING") == warning.count("\n")
    assert "lets every request through" in warning
    assert "`gatepass kong config`" in warning


@pytest.mark.parametrize("words", ["kong --dump --protocol json", "kong --dump -c x --protocol j"])
def test_another_protocol_is_wrong_use(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gatepass", *words.split()])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().out == ""


def test_everything_else_is_the_command_line_of_people(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["gatepass", "--version"])
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    assert capsys.readouterr().out.startswith("gatepass 0.")
