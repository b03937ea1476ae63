"""Commands of `gatepass` about the rows of a database, as a terminal would run them."""

import asyncio
import json
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.cli import app
from support.directories import Where, url_of
from support.settings import LEAST_TEXT


class Done(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - what JSON is
        return json.loads(self.out)


def write_settings(folder: Path, where: Where) -> Path:
    path = folder / "gatepass.yaml"
    path.write_text(
        f"{LEAST_TEXT}stores: {{database: '{url_of(where)}'}}\nbudgets: {{engine: none}}\n"
    )
    return path


async def gatepass(settings: Path, *words: str, typed: str | None = None) -> Done:
    """Run a command; an error that `main` would print counts as its exit status 2."""
    runner = CliRunner()
    every = [*words, "-c", str(settings)]
    result = await asyncio.to_thread(runner.invoke, app, every, input=typed)
    if isinstance(result.exception, GatepassError):
        return Done(2, result.stdout, str(result.exception))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)
