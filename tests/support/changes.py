"""Changes for tests: transactions of one actor at one time, and what the audit says of them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.transaction import Actor, Transaction, changing
from gatepass.plugin.directory.database import Database
from support.directories import Where, query

ROOT = Actor("https://idp.example", "root")
NOW = 1_700_000_000


@asynccontextmanager
async def change(
    database: Database, told: list[Changed] | None = None, now: int = NOW, actor: Actor = ROOT
) -> AsyncIterator[Transaction]:
    heard: list[Changed] = [] if told is None else told
    async with changing(database, actor, now, heard.extend) as transaction:
        yield transaction


@asynccontextmanager
async def refused(
    database: Database, fault: ChangeFault, field: str | None = None
) -> AsyncIterator[Transaction]:
    """Expect that the block refuses, and that nothing is kept."""
    told: list[Changed] = []
    with pytest.raises(ChangeRefused) as caught:
        async with change(database, told) as transaction:
            yield transaction
    assert caught.value.fault is fault
    if field is not None:
        assert caught.value.field == field
    assert told == []


def audited(where: Where) -> list[tuple[object, ...]]:
    """Return the audit: action, kind, row, group."""
    return query(where, "SELECT action, kind, row_id, group_id FROM audit ORDER BY entry")


def last_audit(where: Where) -> dict[str, object]:
    """Return the newest entry, with what was before and after read from JSON."""
    who = ("actor_issuer", "actor_subject")
    columns = (*who, "action", "kind", "row_id", "group_id", "before", "after", "at")
    statement = f"SELECT {', '.join(columns)} FROM audit ORDER BY entry DESC LIMIT 1"  # noqa: S608 - names of ours
    (row,) = query(where, statement)
    entry = dict(zip(columns, row, strict=True))
    for side in ("before", "after"):
        text = entry[side]
        entry[side] = None if text is None else json.loads(str(text))
    return entry
