"""Lists of rows, a page at a time, in the order of their ids."""

from collections.abc import Sequence
from typing import Generic, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from gatepass.plugin.directory.changes.kinds import Kind
from gatepass.plugin.directory.changes.records import AnyRecord

MAX_PAGE_SIZE = 500
DEFAULT_PAGE_SIZE = 50


class Page(NamedTuple, Generic[AnyRecord]):
    """The rows of a page, and how many rows there are on all pages."""

    rows: list[AnyRecord]
    total: int


async def list_rows(
    connection: AsyncConnection,
    kind: Kind[AnyRecord],
    conditions: Sequence[ColumnElement[bool]] = (),
    page: int = 1,
    size: int = DEFAULT_PAGE_SIZE,
) -> Page[AnyRecord]:
    """Return a page of the rows for which all conditions hold; the first page is 1.

    Raises:
        StoreUnavailable: a row holds what it cannot hold.

    """
    size = max(1, min(size, MAX_PAGE_SIZE))
    order = [kind.table.c[column] for column in kind.keys]
    query = kind.query().where(*conditions).order_by(*order)
    found = await connection.execute(query.limit(size).offset((max(1, page) - 1) * size))
    rows = [kind.read(row) for row in found]
    count = select(func.count()).select_from(kind.table).where(*conditions)
    return Page(rows, (await connection.execute(count)).scalar_one())


async def every_row(
    connection: AsyncConnection,
    kind: Kind[AnyRecord],
    conditions: Sequence[ColumnElement[bool]] = (),
) -> list[AnyRecord]:
    """Return all rows for which all conditions hold, in the order of their ids.

    Raises:
        StoreUnavailable: a row holds what it cannot hold.

    """
    order = [kind.table.c[column] for column in kind.keys]
    found = await connection.execute(kind.query().where(*conditions).order_by(*order))
    return [kind.read(row) for row in found]
