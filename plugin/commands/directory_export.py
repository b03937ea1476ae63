"""`gatepass directory export`: what is stored, as a file that `apply` reads."""

from pathlib import Path

import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.changing import Changing, with_changes
from gatepass.plugin.declared.export import export_text
from gatepass.plugin.declared.rows import Rows
from gatepass.plugin.declared.stored import read_stored


def run_export(config: Path, out: Path | None) -> int:
    """Write the file, or print it; the exit status is 0.

    Raises:
        ConfigurationError: the settings, the database or the file cannot be used.
        StoreUnavailable: the database does not answer.

    """

    async def read(open_: Changing) -> Rows:
        async with open_.database.reading() as connection:
            return await read_stored(connection)

    text = export_text(with_changes(config, read))
    if out is None:
        typer.echo(text, nl=False)
        return 0
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as there:
        raise ConfigurationError([f"--out: {out} is there already; name another file"]) from there
    except OSError as error:
        raise ConfigurationError([f"--out: {out} cannot be written"]) from error
    return 0
