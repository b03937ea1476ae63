"""Real directories on a SQLite file of their own, and a way to look into the file."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin.directory.resolved import Directory
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.linking import LinkRules
from gatepass.rbac.teams import TeamChoice
from support.callers import SOMEBODY
from support.rows import StockedDirectory

Where = Path | str
"""A SQLite file, or the URL of a database on a server."""

ISSUER = SOMEBODY.issuer
NO_TEAM = TeamChoice((), required=False, creatable=False)
CLOSED = DirectoryRules()
LINKING = LinkRules(email_issuers=frozenset({ISSUER}))
UPSERT = DirectoryRules(user_upsert=True, team_upsert=True, linking=LINKING)


@asynccontextmanager
async def open_directory(
    where: Where, rules: DirectoryRules = CLOSED, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[StockedDirectory]:
    directory = StockedDirectory(url_of(where), rules, clock)
    await directory.open()
    try:
        yield directory
    finally:
        await directory.close()


def url_of(where: Where) -> str:
    return where if isinstance(where, str) else f"sqlite:///{where}"


def query(where: Where, statement: str, *parameters: str | int) -> list[tuple[object, ...]]:
    """Run a statement on the database, beside whoever has it open, and return its rows."""
    if isinstance(where, str):
        from support.postgresql import query_postgresql  # noqa: PLC0415 - few tests need a server

        return query_postgresql(where, statement, *parameters)
    with closing(sqlite3.connect(where)) as connection, connection:
        return connection.execute(statement, parameters).fetchall()


def one(team_id: str) -> TeamChoice:
    return TeamChoice((team_id,), required=True, creatable=True)


def some(*team_ids: str) -> TeamChoice:
    return TeamChoice(team_ids, required=False, creatable=False)


def person(name: str) -> Identity:
    return replace(SOMEBODY, subject=f"sub-{name}", user_id=name)


async def denied(directory: Directory, identity: Identity, team: TeamChoice) -> AccessFault:
    with pytest.raises(AccessDenied) as caught:
        await directory.resolve(identity, team)
    return caught.value.fault
