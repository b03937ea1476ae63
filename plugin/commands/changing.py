"""The database of the settings for a command that changes rows, or only tries to.

Services on the same database are told what has changed once it is kept, as far as the settings say
how; others notice when what they remember of a caller is too old.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import typer

from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.copying import unchanged_database
from gatepass.plugin.directory.database import Database
from gatepass.plugin.settings import Compiled, compile_settings, load_settings

Result = TypeVar("Result")


@dataclass(slots=True)
class Changing:
    """An open database, and where to note what was changed in it."""

    database: Database
    changes: list[Changed] = field(default_factory=list)

    def notify(self, changes: Sequence[Changed]) -> None:
        """Note what was kept."""
        self.changes += changes


def only_issuer(config: Path) -> str | None:
    """Return the issuer of the settings, if there is just one: every id is an id of it.

    Raises:
        ConfigurationError: the settings cannot be used.

    """
    issuers = load_settings(config).issuers
    return issuers[0].issuer if len(issuers) == 1 else None


def with_changes(
    config: Path, work: Callable[[Changing], Awaitable[Result]], *, dry_run: bool = False
) -> Result:
    """Do something with the database of the settings; with `dry_run` nothing of it is kept.

    Raises:
        ConfigurationError: the settings or the database cannot be used, with what to do about it.
        StoreUnavailable: the database does not answer.

    """
    return asyncio.run(_run(compile_settings(load_settings(config)), work, dry_run=dry_run))


async def _run(
    compiled: Compiled, work: Callable[[Changing], Awaitable[Result]], *, dry_run: bool
) -> Result:
    folder: AbstractContextManager[str | None] = nullcontext()
    if dry_run:
        folder = tempfile.TemporaryDirectory(prefix="gatepass-")
    with folder as copy:
        url = compiled.database
        database = Database(url) if copy is None else unchanged_database(url, Path(copy))
        await database.open()
        try:
            changing = Changing(database)
            result = await work(changing)
        finally:
            await database.close()
    if changing.changes and not dry_run:
        await _tell(compiled, changing.changes)
    return result


async def _tell(compiled: Compiled, changes: Sequence[Changed]) -> None:
    """Tell the services; what is kept is kept, so that this can only be late."""
    if compiled.redis is None:
        return
    from gatepass.plugin.directory.broadcast import (  # noqa: PLC0415 - few have Redis
        tell_services,
    )

    if not await tell_services(*compiled.redis, changes):
        typer.echo(
            "gatepass: Redis does not answer; services notice the changes within 10 seconds",
            err=True,
        )
