"""Directories in files, applied to real databases, and what is stored then."""

from pathlib import Path

import yaml

from gatepass.plugin.declared.applying import Applying, apply_declared
from gatepass.plugin.declared.difference import Difference
from gatepass.plugin.declared.document import Declared, read_declared
from gatepass.plugin.declared.rows import Rows
from gatepass.plugin.declared.stored import read_stored
from gatepass.plugin.directory.changes.transaction import CLI
from gatepass.plugin.directory.database import Database
from support.directories import Where, url_of

NOW = 1_800_000_000


def declared(folder: Path, document: object) -> Declared:
    """Read a document as a file says it; text is taken as it is."""
    path = folder / "directory.yaml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return read_declared(path, {})


async def applied(
    where: Where, wanted: Declared, *, delete: bool = False, keeps: bool = True
) -> Difference:
    """Apply to a database, or only try to."""
    database = Database(url_of(where), keeps=keeps)
    await database.open()
    try:
        return await apply_declared(database, wanted, Applying(CLI, NOW, delete=delete))
    finally:
        await database.close()


async def stored(where: Where) -> Rows:
    database = Database(url_of(where))
    await database.open()
    try:
        async with database.reading() as connection:
            return await read_stored(connection)
    finally:
        await database.close()
