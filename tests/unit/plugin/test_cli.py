"""The command as a new user meets it: help with examples, fixed exit statuses, no tracebacks."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatepass.plugin.cli import app, main

COMMANDS = [
    ["serve"],
    ["kong"],
    ["apisix"],
    ["kong", "config"],
    ["kong", "doctor"],
    ["apisix", "config"],
    ["apisix", "doctor"],
    ["check"],
    ["decide"],
    ["demo"],
    ["jwks", "status"],
    ["settings", "schema"],
    ["db", "upgrade"],
    ["db", "current"],
    ["db", "check"],
    ["users", "links"],
    ["users", "unlink"],
    ["users", "relink"],
    ["import", "litellm"],
    ["import", "litellm-rows"],
    ["directory", "apply"],
    ["directory", "export"],
    ["users", "block"],
    ["teams", "create"],
    ["orgs", "list"],
    ["customers", "update"],
    ["budgets", "create"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_shows_an_example(command: list[str], flag: str) -> None:
    result = CliRunner().invoke(app, [*command, flag])
    assert result.exit_code == 0
    assert f"Example: gatepass {' '.join(command)}" in " ".join(result.stdout.split())


def test_the_commands_are_these() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    assert all(f" {command[0]} " in text for command in COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["settings"], ["serv"], ["check", "--jsn"], ["decide"], ["serve", "extra"]),
        *(["kong", "extra"], ["kong", "--dmp"]),
    ],
)
def test_wrong_use_is_exit_status_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_the_importer_says_by_its_status_that_nothing_was_written(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("general_settings: {litellm_jwtauth: {unheard_of: 1}}")
    result = CliRunner().invoke(app, ["import", "litellm", str(config)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "unheard_of: unknown key" in result.stderr


def test_an_option_that_would_not_count_is_refused() -> None:
    result = CliRunner().invoke(app, ["kong", "-c", "other.yaml", "config"])
    assert result.exit_code == 2
    assert "write options behind the command" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--protocol", "msgpack"], ["--protocol", "bogus", "-c", "k.yaml"]),
        *(["--dump", "--protocol", "bogus"], ["-c", "k.yaml", "--dump", "--protocol=MsgPack:1"]),
    ],
)
def test_a_protocol_that_would_not_count_is_refused(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["kong", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--protocol" in result.stderr


@pytest.mark.parametrize("command", [["kong"], ["kong", "config"], ["kong", "doctor"]])
def test_an_example_for_kong_can_be_copied_as_one_line(command: list[str]) -> None:
    lines = CliRunner().invoke(app, [*command, "--help"]).stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "Example:" in line)
    assert not lines[at + 1].strip()


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_the_version_needs_none_of_the_heavy_libraries(arguments: list[str]) -> None:
    done = run(
        f"""
import sys
sys.argv = ["gatepass", *{arguments!r}]
from gatepass.plugin.cli import main
try:
    main()
except SystemExit as done:
    assert not done.code
heavy = {{"sqlalchemy", "pydantic", "starlette", "httpx", "uvicorn", "alembic"}}
sys.exit(", ".join(sorted(heavy & sys.modules.keys())) or None)
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "gatepass" in done.stdout


def test_the_public_names_are_loaded_when_they_are_used() -> None:
    done = run(
        """
import sys
import gatepass.plugin as face
assert "sqlalchemy" not in sys.modules
missing = [name for name in face.__all__ if getattr(face, name, None) is None]
try:
    face.NoSuchName
except AttributeError:
    sys.exit(", ".join(missing) or None)
sys.exit("an unknown name was found")
"""
    )
    assert (done.returncode, done.stderr) == (0, "")


WRONG_FILES = {
    "missing": None,
    "empty": b"",
    "not YAML": b"issuers: [",
    "not UTF-8": b"\xff\xfe\x00",
    "binary": bytes(range(256)),
    "a list": b"- issuers",
    "unknown setting": b"issuer: x\n",
    "an alias bomb": b"a: &a [x]\nb: [*a, *a]\n",
    "a tag": b"issuers: !!python/object/apply:os.system [id]\n",
    "an unset reference": b"issuers: ${GATEPASS_IS_NOT_SET}\n",
    "deep": b"[" * 10_000,
}
ON_A_FILE = {
    "serve": ["serve", "-c"],
    "kong": ["kong", "-c"],
    "apisix config": ["apisix", "config", "-c"],
    "check": ["check", "-c"],
    "decide": ["decide", "--token", "x", "--path", "/", "-c"],
}


@pytest.mark.parametrize("wrong", WRONG_FILES)
@pytest.mark.parametrize("command", ON_A_FILE)
def test_a_wrong_file_is_told_in_sentences(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    wrong: str,
    command: str,
) -> None:
    path = tmp_path / "gatepass.yaml"
    content = WRONG_FILES[wrong]
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr("sys.argv", ["gatepass", *ON_A_FILE[command], str(path)])
    with pytest.raises(SystemExit) as left:
        main()
    captured = capsys.readouterr()
    assert left.value.code == (1 if command == "check" else 2)
    told = captured.out if command == "check" else captured.err
    assert str(path) in told
    assert "Traceback" not in captured.out + captured.err


def test_a_folder_is_no_settings_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["gatepass", "serve", "-c", str(tmp_path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_the_schema_is_printed() -> None:
    result = CliRunner().invoke(app, ["settings", "schema"])
    assert result.exit_code == 0
    assert result.stdout.startswith("{")
    assert result.stdout.endswith("}\n")
