"""The part of `gatepass check` that looks at the database, and writes nothing."""

import asyncio
import os
import tempfile
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError, GatepassError
from gatepass.plugin.budgets.lock import lock_path
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.directory.copying import unchanged_database
from gatepass.plugin.directory.postgresql import PREFIX, server_name
from gatepass.plugin.directory.schema import OlderSchema
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.settings import Compiled

_OTHER_DATABASE = "put stores.database right, or do what the sentence says"
_OLDER = "do so; neither another database nor moving this one away keeps the rows"
_START_IT = "start the server, let this machine through to it, and check host, port and sslmode"
_OTHER_FILE = "put the path right, move the file away, or name another under stores.database"
_OTHER_ACCOUNT = (
    "let the account of the service write there (and check under it), "
    "or name another file under stores.database"
)


async def store_finding(compiled: Compiled) -> Finding:
    """Say whether the service could read and write the database."""
    if not compiled.database.startswith(PREFIX):
        return await _file_finding(database_path(compiled.database), compiled)
    subject = f"store {server_name(compiled.database)}"
    try:
        await _read_unchanged(compiled)
    except ConfigurationError as error:
        return Finding(subject, ok=False, found=str(error), advice=_advice(error, _OTHER_DATABASE))
    except StoreUnavailable:
        return Finding(subject, ok=False, found="it does not answer", advice=_START_IT)
    return Finding(subject, ok=True, found="readable, schema known")


async def _file_finding(path: Path, compiled: Compiled) -> Finding:
    subject = f"store {path}"
    try:
        there = await asyncio.to_thread(path.exists)
        has_folder = await asyncio.to_thread(path.parent.is_dir)
    except OSError:
        return Finding(subject, ok=False, found="the path cannot be used", advice=_OTHER_FILE)
    if not has_folder:
        return Finding(subject, ok=False, found="its folder does not exist", advice=_OTHER_FILE)
    refused = await asyncio.to_thread(_not_writable, path)
    if refused is not None:
        found = f"{refused} is not writable for this account"
        return Finding(subject, ok=False, found=found, advice=_OTHER_ACCOUNT)
    if not there:
        return Finding(subject, ok=True, found="not there yet; it is made at the first start")
    try:
        await _read_unchanged(compiled)
    except GatepassError as error:
        advice = _advice(error, _OTHER_FILE)
        return Finding(subject, ok=False, found=str(error), advice=advice)
    return Finding(subject, ok=True, found="readable, schema known")


def _advice(error: GatepassError, otherwise: str) -> str:
    return _OLDER if isinstance(error, OlderSchema) else otherwise


def _not_writable(path: Path) -> str | None:
    """Name what the service could not write: the folder gets the lock and SQLite's log."""
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return "its folder"
    for file in (path, lock_path(path)):
        if file.is_file() and not os.access(file, os.R_OK | os.W_OK):
            return "it" if file == path else "its lock file"
    return None


async def _read_unchanged(compiled: Compiled) -> None:
    with tempfile.TemporaryDirectory(prefix="gatepass-") as folder:
        database = unchanged_database(compiled.database, Path(folder))
        await database.open()
        try:
            await database.ping()
        finally:
            await database.close()
