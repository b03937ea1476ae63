"""The ledger and the SQL engine on a real PostgreSQL, and the ledger in a file.

    ledger.py

A record stands on six counters. The ledger is fed as fast as it takes records, in its own groups;
the engine reserves and settles on six limits with 200 calls in flight.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import uvloop
from bench.figures import Figure, Reading
from bench.redis_budgets import COST, ESTIMATE, PRICE, WHO, six_limits

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin.budgets.engine import Call, EngineRules
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.ledger_writer import LedgerStore, LedgerWriter
from gatepass.plugin.budgets.making import make_budgets
from gatepass.plugin.budgets.postgresql_ledger import PostgresqlLedger
from gatepass.plugin.budgets.postgresql_link import PostgresqlLink
from gatepass.plugin.budgets.sqlite_ledger import SqliteLedger
from gatepass.plugin.budgets.sqlite_thread import SqliteThread
from support.databases import upgrade_file
from support.ledgers import charge, row
from support.postgresql import postgresql_process

ROWS, CALLS, IN_FLIGHT = 10_000, 2_000, 200
LEAST_ROWS_PER_SECOND = 20_000
_CHARGES = tuple(charge(key=limit.counter) for limit in six_limits(1))
_numbers = count()


async def append(store: LedgerStore) -> float:
    """Return the microseconds that a record took."""
    writer = LedgerWriter(store)
    writer.start()
    rows = [row(next(_numbers), charges=_CHARGES) for _ in range(ROWS)]
    start = time.perf_counter()
    for record in rows:
        writer.put(record)
    await writer.durable(rows[-1].request_id)
    took = time.perf_counter() - start
    await writer.close()
    return took / ROWS * 1e6


async def spend(url: str) -> float:
    """Return the microseconds that a reservation and its settlement took."""
    engine = make_budgets(EngineKind.SQL, SYSTEM_CLOCK, EngineRules(), url)
    await engine.open()

    async def worker() -> None:
        for _ in range(CALLS // IN_FLIGHT):
            number = next(_numbers)
            limits = six_limits(number % 50)
            call = Call(f"{number:032x}", limits, ESTIMATE, WHO, "gpt-4o-2024-08-06", PRICE)
            await engine.reserve(call)
            await engine.settle(call.request_id, COST)

    start = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    took = time.perf_counter() - start
    await engine.close()
    return took / CALLS * 1e6


async def ledger(rounds: int, bare: float) -> list[Figure | Reading]:
    """Time both; ratios are to a bare verification, rates are records per second."""
    with postgresql_process() as server, tempfile.TemporaryDirectory() as folder:
        url, file = server.new_database(), Path(folder) / "ledger.db"
        await upgrade_file(file)
        on_server = PostgresqlLedger(PostgresqlLink(url))
        in_file = SqliteLedger(SqliteThread(file), counts=True)
        times: list[tuple[float, float, float]] = [
            (await append(on_server), await append(in_file), await spend(url))
            for _ in range(rounds)
        ]
        await on_server.close()
        await in_file.close()
    server_time, file_time, engine_time = map(statistics.median, zip(*times, strict=True))
    bound = 1e6 / LEAST_ROWS_PER_SECOND
    return [
        Figure(name, took, took / bare, limit, bound_is_microseconds=True)
        for name, took, limit in (
            ("ledger on PostgreSQL, one record", server_time, bound),
            ("ledger in a file, one record with counters", file_time, 2 * bound),
            ("SQL engine on PostgreSQL, reserve + settle", engine_time, 1_000.0),
        )
    ]


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for figure in runner.run(ledger(3, 20.0)):
            print(figure)
