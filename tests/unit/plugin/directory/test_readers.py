"""The shortest ways to the rows of a caller, one per kind of database."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from gatepass.plugin.directory import postgresql_reader
from gatepass.plugin.directory.caller_query import CALLER, parameters
from gatepass.plugin.directory.postgresql_reader import PLAN_SECONDS, PostgresqlReader
from gatepass.plugin.directory.sqlite_reader import SqliteReader
from support.callers import SOMEBODY
from support.clock import ManualClock
from support.directories import NO_TEAM, query

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess

ASKED = parameters(SOMEBODY, NO_TEAM)
NOBODY_STORED = [(None, None, None, None, None)]


async def test_a_file_is_asked_on_one_connection_that_cannot_write(file: Path) -> None:
    reader = SqliteReader(file, CALLER)
    for _ in range(2):
        assert await reader.fetch(ASKED) == NOBODY_STORED
    connection = reader._connection
    assert connection is not None
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM users")
    for _ in range(2):
        await reader.close()
    assert await reader.fetch(ASKED) == NOBODY_STORED
    await reader.close()


async def test_a_file_that_was_asked_in_another_thread_can_be_asked_and_closed_here(
    file: Path,
) -> None:
    reader = SqliteReader(file, CALLER)
    assert await asyncio.to_thread(asyncio.run, reader.fetch(ASKED)) == NOBODY_STORED
    assert await reader.fetch(ASKED) == NOBODY_STORED
    await reader.close()


async def test_a_file_that_is_not_there_is_not_made(new_file: Path) -> None:
    reader = SqliteReader(new_file, CALLER)
    with pytest.raises(sqlite3.OperationalError):
        await reader.fetch(ASKED)
    assert not new_file.exists()  # noqa: ASYNC240 - a local file of the test


async def test_a_file_that_is_locked_against_readers_is_waited_for_beside_the_loop(
    file: Path,
) -> None:
    reader = SqliteReader(file, CALLER)
    query(file, "PRAGMA journal_mode = DELETE")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        waiting = asyncio.create_task(reader.fetch(ASKED))
        await asyncio.sleep(0.03)
        assert not waiting.done(), "and the loop went on meanwhile"
        other.execute("COMMIT")
        assert await waiting == NOBODY_STORED
    await reader.close()


class Connecting:
    """Makes connections, and keeps them for a test to look at."""

    def __init__(self, server: "PostgresqlProcess") -> None:
        self._url = server.url("migrated")
        self.made: list[asyncpg.Connection] = []
        self.has_made = asyncio.Event()

    async def __call__(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._url)
        self.made.append(connection)
        self.has_made.set()
        return connection


@pytest.fixture
def connecting(postgresql: "PostgresqlProcess") -> Connecting:
    return Connecting(postgresql)


async def test_a_server_is_asked_on_few_connections(connecting: Connecting) -> None:
    reader = PostgresqlReader(connecting, CALLER)
    answers = await asyncio.gather(*(reader.fetch(ASKED) for _ in range(40)))
    assert [[tuple(row) for row in rows] for rows in answers] == [NOBODY_STORED] * 40
    assert len(connecting.made) == postgresql_reader.CONNECTIONS
    await reader.close()
    assert all(connection.is_closed() for connection in connecting.made)


async def test_a_connection_that_was_lost_is_replaced(connecting: Connecting) -> None:
    reader = PostgresqlReader(connecting, CALLER)
    await reader.fetch(ASKED)
    await connecting.made[0].close()
    await reader.fetch(ASKED)
    assert len(connecting.made) == 2
    await reader.close()


async def test_a_question_that_fails_or_is_given_up_takes_its_connection_with_it(
    connecting: Connecting,
) -> None:
    reader = PostgresqlReader(connecting, CALLER)
    with pytest.raises(asyncpg.DataError):
        await reader.fetch({**ASKED, "subject": "\ud800"})
    connecting.has_made.clear()
    asking = asyncio.create_task(reader.fetch(ASKED))
    await connecting.has_made.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert all(connection.is_closed() for connection in connecting.made)
    await reader.fetch(ASKED)
    await reader.close()


async def test_a_question_waits_for_a_connection_and_then_gives_up(
    connecting: Connecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql_reader, "WAIT_SECONDS", 0.02)
    reader = PostgresqlReader(connecting, CALLER)
    for _ in range(postgresql_reader.CONNECTIONS):
        await reader._free.acquire()
    with pytest.raises(TimeoutError):
        await reader.fetch(ASKED)
    reader._free.release()
    await reader.fetch(ASKED)
    await reader.close()


async def test_a_reader_that_is_closed_meanwhile_keeps_no_connection(
    connecting: Connecting,
) -> None:
    reader = PostgresqlReader(connecting, CALLER)
    asking = asyncio.create_task(reader.fetch(ASKED))
    await connecting.has_made.wait()
    await reader.close()
    assert len(await asking) == 1
    assert connecting.made[0].is_closed()


async def test_a_plan_is_made_anew_after_a_while(connecting: Connecting) -> None:
    clock = ManualClock()
    reader = PostgresqlReader(connecting, CALLER, clock)
    await reader.fetch(ASKED)
    first = reader._idle[0].statement
    clock.advance(PLAN_SECONDS - 1)
    await reader.fetch(ASKED)
    assert reader._idle[0].statement is first
    clock.advance(1)
    await reader.fetch(ASKED)
    assert reader._idle[0].statement is not first
    assert len(connecting.made) == 1
    await reader.close()


async def test_a_database_on_which_the_query_cannot_be_prepared_leaves_no_connection(
    postgresql: "PostgresqlProcess", connecting: Connecting
) -> None:
    connecting._url = postgresql.new_database(empty=True)
    reader = PostgresqlReader(connecting, CALLER)
    with pytest.raises(asyncpg.UndefinedTableError):
        await reader.fetch(ASKED)
    assert connecting.made[0].is_closed()
