"""Finding a caller who is not remembered: person, team, membership, organization, end user.

On PostgreSQL that is one round trip, compared with the same query asked on a bare connection of the
driver in the same round; on SQLite no thread is involved. Then the same for as many different
people out of a thousand and out of a million, with up to 10,000 teams.
"""

import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
from bench.figures import Figure
from msgspec.structs import replace

from gatepass.plugin.directory.caller_query import parameters
from gatepass.plugin.directory.postgresql_reader import SESSION, PostgresqlReader
from gatepass.rbac.identity import Identity
from gatepass.rbac.teams import TeamChoice
from support.callers import SOMEBODY
from support.crowd import fill, team_of
from support.directories import Where, one, open_directory, query
from support.postgresql import postgresql_process
from support.rows import StockedDirectory

FEW, MANY = 1_000, 1_000_000
TEAMS_OF_FEW, TEAMS_OF_MANY = 100, 10_000
SEEN = 100
"""How many different people are asked for in turn."""

Asked = tuple[Identity, TeamChoice]
Work = Callable[[Asked], Awaitable[None]]


def somebodies(people: int, teams: int) -> list[Asked]:
    """Return people from all parts of the crowd."""
    return [
        (
            replace(SOMEBODY, subject=f"s{number}", user_id=f"p{number}", end_user=f"e{number}"),
            one(team_of(number, teams)),
        )
        for number in range(1, people, people // SEEN)
    ]


def resolving(directory: StockedDirectory) -> Work:
    """Return what asks the directory."""

    async def resolve(asked: Asked) -> None:
        ((found,), _) = await directory.resolve(*asked)
        assert found.team is not None
        assert found.member is not None
        assert found.end_user is not None

    return resolve


async def asking_barely(url: str, directory: StockedDirectory, stack: AsyncExitStack) -> Work:
    """Return what asks the same on a connection of its own, and does nothing with the answer."""
    reader = directory._database._callers
    assert isinstance(reader, PostgresqlReader)
    names, text = reader._names, reader._text
    connection = await asyncpg.connect(url, server_settings=SESSION)
    stack.push_async_callback(connection.close)
    statement = await connection.prepare(text)

    async def ask(asked: Asked) -> None:
        values = parameters(*asked)
        assert await statement.fetch(*[values[name] for name in names])

    return ask


async def microseconds(works: list[tuple[Work, list[Asked]]], rounds: int) -> list[list[float]]:
    """Return each one's medians of every round, in which all are asked in turn.

    The first round is left out: after it, everything is in somebody's memory.
    """
    medians: list[list[float]] = [[] for _ in works]
    for _ in range(rounds + 1):
        times: list[list[float]] = [[] for _ in works]
        for at in range(SEEN):
            for (work, people), taken in zip(works, times, strict=True):
                start = time.perf_counter()
                await work(people[at])
                taken.append(time.perf_counter() - start)
        for taken, found in zip(times, medians, strict=True):
            found.append(statistics.median(taken) * 1e6)
    return [found[1:] for found in medians]


async def directory(rounds: int, bare: float) -> list[Figure]:
    """Time what the directory does for a caller who is not remembered."""
    with postgresql_process() as server, tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:

            async def opened(where: Where, people: int, teams: int) -> tuple[Work, list[Asked]]:
                store = await stack.enter_async_context(open_directory(where))
                fill(where, people=people, teams=teams)
                return resolving(store), somebodies(people, teams)

            url = server.new_database()
            few = await opened(url, FEW, TEAMS_OF_FEW)
            url_of_many = server.new_database()
            many = await opened(url_of_many, MANY, TEAMS_OF_MANY)
            for one_url in (url, url_of_many):
                query(one_url, "VACUUM ANALYZE")
            store = await stack.enter_async_context(open_directory(url))
            driver = await asking_barely(url, store, stack), few[1]
            in_file = await opened(Path(folder) / "gatepass.db", FEW, TEAMS_OF_FEW)
            times = await microseconds([driver, few, many, in_file], rounds * 4)
    of_driver, of_few, of_many, of_file = times
    query_alone = statistics.median(of_driver)
    return [
        Figure("PostgreSQL, the bare query", query_alone, query_alone / bare, query_alone / bare),
        Figure(
            "PostgreSQL, a caller not remembered, to that",
            statistics.median(of_few),
            _ratio(of_few, of_driver),
            1.5,
        ),
        Figure(
            "the same, 1,000,000 people to 1,000",
            statistics.median(of_many),
            _ratio(of_many, of_few),
            1.1,
        ),
        Figure(
            "SQLite, a caller not remembered",
            statistics.median(of_file),
            statistics.median(of_file) / bare,
            6.0,
        ),
    ]


def _ratio(times: list[float], to: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(times, to, strict=True))
