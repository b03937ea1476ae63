"""Asking a PostgreSQL server the one query on the driver's own connections, as fast as it can be.

The statement is prepared beforehand, so that a caller costs one round trip and neither parsing nor
planning. One plan serves all callers (a plan per caller costs ten times the query), and reads no
table from end to end however small that looks at the moment; should it be a bad one all the same,
because somebody had empty tables analyzed, it is made anew before long. What is asked here cannot
write.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin.directory.caller_query import Parameters
from gatepass.plugin.directory.caller_rows import CallerRow

if TYPE_CHECKING:
    from asyncpg import Connection, prepared_stmt

SESSION = {
    "default_transaction_read_only": "on",
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}
"""Settings of the sessions that ask."""

CONNECTIONS = 4
WAIT_SECONDS = 5.0
"""How long a question waits for a connection that nobody uses."""


PLAN_SECONDS = 600.0
"""How old a plan may be."""


class _Session(NamedTuple):
    connection: "Connection"
    statement: "prepared_stmt.PreparedStatement"
    good_until: float


class PostgresqlReader:
    """A few connections with the query prepared on each; none is made before it is needed.

    `connect` makes one, with the settings of `SESSION`.
    """

    def __init__(
        self,
        connect: "Callable[[], Awaitable[Connection]]",
        query: ClauseElement,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
        compiled = dialect.statement_compiler(dialect, query)
        self._connect = connect
        self._clock = clock
        self._text = str(compiled)
        self._names = tuple(compiled.positiontup or ())
        self._idle: list[_Session] = []
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._is_open = True

    async def fetch(self, values: Parameters) -> Sequence[CallerRow]:
        """Return the rows for these parameters.

        A connection on which anything went wrong is not used again.

        Raises:
            OSError, PostgresError, InterfaceError: the server cannot be asked.

        """
        arguments = [values[name] for name in self._names]
        if self._free.locked():
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        else:
            await self._free.acquire()
        try:
            session = await self._session()
            try:
                rows: Sequence[CallerRow] = await session.statement.fetch(*arguments)
            except BaseException:
                session.connection.terminate()
                raise
            if self._is_open:
                self._idle.append(session)
            else:
                session.connection.terminate()
        finally:
            self._free.release()
        return rows

    async def _session(self) -> _Session:
        while self._idle:
            session = self._idle.pop()
            if session.connection.is_closed():
                continue
            if self._clock.monotonic() < session.good_until:
                return session
            return await self._prepared(session.connection)
        return await self._prepared(await self._connect())

    async def _prepared(self, connection: "Connection") -> _Session:
        good_until = self._clock.monotonic() + PLAN_SECONDS
        try:
            return _Session(connection, await connection.prepare(self._text), good_until)
        except BaseException:
            connection.terminate()
            raise

    async def close(self) -> None:
        """Close what nobody uses now, and the rest as soon as it has answered."""
        self._is_open = False
        idle, self._idle = self._idle, []
        for session in idle:
            await session.connection.close()
