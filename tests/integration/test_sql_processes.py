"""Real processes on one database: never over a limit, and nothing lost when they are killed."""

import asyncio
import secrets
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.ledger_audit import differences
from gatepass.plugin.budgets.limits import LimitStanding
from gatepass.plugin.directory.database import Database
from support.budget_rush import one_limit
from support.budget_rushes import Report, rush_all
from support.budget_spender import COST
from support.budget_spenders import Spender, spending
from support.budget_sql_engines import sql_engine
from support.databases import make_file
from support.directories import Where, query, url_of
from support.ledgers import stored
from support.postgresql import PostgresqlProcess, postgresql_process

ESTIMATE = 3_000_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    asyncio.run(make_file(tmp_path / "gatepass.db"))
    return tmp_path / "gatepass.db"


@pytest.fixture
def mortal() -> Iterator[PostgresqlProcess]:
    """A server that a test may kill."""
    with postgresql_process() as server:
        yield server


def rush(url: str, processes: int, calls: int, enough_for: int, cost: int) -> list[Report]:
    hard = enough_for * ESTIMATE + ESTIMATE - 1  # the last one does not fit by one nano-dollar
    return rush_all(processes, url, "-", calls, hard, ESTIMATE, cost)


def check_rush(where: Where, reports: Sequence[Report], cost: int) -> int:
    """See that everything adds up, and return how many calls were let through."""
    through = sum(report["through"] for report in reports)
    assert through == sum(report["settled"] for report in reports)
    found = standing(where)
    assert (found.spent, found.reserved) == (through * cost, 0)
    rows = stored(where, "request_id, nano_usd")
    assert len({request_id for request_id, _ in rows}) == len(rows) == through
    assert wrong(where) == []
    return through


def standing(where: Where) -> LimitStanding:
    async def look() -> LimitStanding:
        engine = sql_engine(where, SYSTEM_CLOCK, EngineRules())
        (found,) = await engine.standings([one_limit(0)])
        await engine.close()
        return found

    return asyncio.run(look())


def wrong(where: Where) -> Sequence[object]:
    """Return what the checker finds."""

    async def check() -> Sequence[object]:
        database = Database(url_of(where))
        await database.open()
        async with database.snapshot() as connection:
            found = await differences(connection, time.time())
        await database.close()
        return found

    return asyncio.run(check())


@pytest.mark.rounds(3)
@pytest.mark.parametrize("cost", [ESTIMATE, pytest.param(ESTIMATE // 3, marks=pytest.mark.soak)])
def test_sec_59_strict_never_overspends_on_a_server(
    postgresql: PostgresqlProcess, cost: int
) -> None:
    url = postgresql.clean_database()
    reports = rush(url, processes=8, calls=1_000, enough_for=2_345, cost=cost)
    through = check_rush(url, reports, cost)
    assert through == 2_345 if cost == ESTIMATE else through >= 2_345
    assert through * cost <= 2_346 * ESTIMATE


@pytest.mark.rounds(3)
def test_sec_59_strict_never_overspends_in_a_file(file: Path) -> None:
    reports = rush(url_of(file), processes=4, calls=250, enough_for=345, cost=ESTIMATE)
    assert check_rush(file, reports, ESTIMATE) == 345


def check_ledger(where: Where, spenders: Sequence[Spender], in_doubt: int) -> None:
    """See that all that returned is in the ledger, once; what was under way may be there too."""
    returned = [request_id for spender in spenders for request_id in spender.settled()]
    rows = stored(where, "request_id, nano_usd")
    kept = [str(request_id) for request_id, nano in rows if nano == COST]
    assert len(kept) == len(set(kept)) == len(rows)
    assert set(returned) <= set(kept)
    assert len(kept) - len(returned) <= in_doubt
    assert wrong(where) == []


@pytest.mark.rounds(50)
def test_a_process_that_is_killed_loses_nothing_that_was_settled(
    file: Path, tmp_path: Path
) -> None:
    with (
        spending("sql", file, tmp_path, "a") as killed,
        spending("sql", file, tmp_path, "b") as survivor,
    ):
        killed.wait_for(20 + secrets.randbelow(80))
        killed.kill()
        survivor.wait_for(len(survivor.settled()) + 50)
    check_ledger(file, [killed, survivor], in_doubt=2 * 20)


@pytest.mark.rounds(50)
def test_the_engine_in_process_goes_on_from_the_ledger_after_a_kill(
    file: Path, tmp_path: Path
) -> None:
    spenders = []
    for prefix in ("a", "b"):
        with spending("memory", file, tmp_path, prefix) as spender:
            spender.wait_for(20 + secrets.randbelow(180))
        spenders.append(spender)
    check_ledger(file, spenders, in_doubt=2 * 20)
    kept = len(stored(file))
    assert query(file, "SELECT DISTINCT spent FROM budget_counters") == [(kept * COST,)]


@pytest.mark.rounds(50)
def test_a_server_that_is_killed_loses_nothing_that_was_settled(
    mortal: PostgresqlProcess, tmp_path: Path
) -> None:
    url = mortal.new_database()
    with (
        spending("sql", url, tmp_path, "a") as one,
        spending("sql", url, tmp_path, "b") as two,
    ):
        for _ in range(2):
            one.wait_for(len(one.settled()) + 10 + secrets.randbelow(50))
            mortal.stop(signal.SIGKILL)
            mortal.start()
            for spender in (one, two):
                spender.wait_for(len(spender.settled()) + 10)
    check_ledger(url, [one, two], in_doubt=2 * 20)
