"""`gatepass import litellm`: another service's settings become ours, with a verdict for each key.

The settings go to the file that `--out` names, which must not be there yet, else to stdout; the
verdicts then go to stderr. Nothing is written when a key is refused.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.importers.litellm import Imported, import_litellm
from gatepass.plugin.importers.verdicts import KeyVerdict, Verdict
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.references import read_text

_COLORS = {
    Verdict.EXACT: typer.colors.GREEN,
    Verdict.CHANGED: typer.colors.CYAN,
    Verdict.MANUAL: typer.colors.YELLOW,
    Verdict.REFUSED: typer.colors.RED,
}


def run_import_litellm(
    config: Path, out: Path | None, env_file: Path | None, *, as_json: bool
) -> int:
    """Write the settings and the verdicts, and return the exit status.

    0: nothing needs a person; 1: something does; 2: something was refused, and nothing is written.

    Raises:
        ConfigurationError: a file cannot be read or written, or is not what it should be.

    """
    environ = os.environ if env_file is None else _variables(_read(env_file))
    imported = import_litellm(_read(config), environ)
    if out is not None and imported.text is not None:
        _write(out, imported.text)
    if as_json:
        typer.echo(json.dumps(_document(imported, out), indent=2))
        return imported.status
    to_stderr = out is None
    if imported.text is not None and out is None:
        typer.echo(imported.text, nl=False)
    for verdict in imported.verdicts:
        typer.echo(_line(verdict), err=to_stderr)
    typer.echo(_summary(imported, out), err=to_stderr)
    return imported.status


def _document(imported: Imported, out: Path | None) -> dict[str, object]:
    return {
        "status": imported.status,
        "out": None if out is None or imported.text is None else str(out),
        "settings": imported.text,
        "keys": [asdict(verdict) for verdict in imported.verdicts],
    }


def _line(verdict: KeyVerdict) -> str:
    word = typer.style(f"{verdict.verdict.value:<8}", fg=_COLORS[verdict.verdict])
    became = f" -> {verdict.setting}" if verdict.setting else ""
    return f"{word} {verdict.key}{became}" + (f": {verdict.sentence}" if verdict.sentence else "")


def _summary(imported: Imported, out: Path | None) -> str:
    count = [verdict.verdict for verdict in imported.verdicts].count
    numbers = ", ".join(f"{count(verdict)} {verdict.value}" for verdict in Verdict)
    if imported.text is None:
        return f"{numbers}; nothing was written"
    return numbers if out is None else f"{numbers}; written: {out}"


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except BadValue as wrong:
        raise ConfigurationError(
            [f"{path}: {found.sentence}" for found in wrong.findings]
        ) from wrong


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as there:
        raise ConfigurationError([f"--out: {path} is there already; name another file"]) from there
    except OSError as error:
        raise ConfigurationError([f"--out: {path} cannot be written"]) from error


def _variables(text: str) -> Mapping[str, str]:
    """Return the variables of a file with lines like `NAME=value`."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not equals or name.startswith("#"):
            continue
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[name.strip()] = value
    return found
