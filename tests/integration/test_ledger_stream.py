"""From the stream in a real Valkey to the ledger: every settlement once, whatever crashes."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules, Payer
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.ledger_audit import charged
from gatepass.plugin.budgets.ledger_counting import Spent
from gatepass.plugin.budgets.ledger_rows import LedgerRow
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.making import make_budgets
from gatepass.plugin.budgets.redis.counters_audit import open_counters
from gatepass.plugin.budgets.redis.engine import RedisBudgets
from gatepass.plugin.budgets.redis.ledger_reader import GROUP, LedgerReader
from gatepass.plugin.budgets.sqlite_ledger import SqliteLedger
from gatepass.plugin.budgets.sqlite_thread import SqliteThread
from gatepass.plugin.cli import app
from gatepass.plugin.directory.database import Database
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.redis_place import RedisPlace
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import Forever
from support.budget_spender import AT_ONCE, DEPLOYMENT
from support.budget_spender import COST as SPENT
from support.budget_spenders import spending
from support.databases import make_file
from support.directories import url_of
from support.ledgers import stored
from support.settings import LEAST_TEXT
from support.valkey import ValkeyProcess, valkey_process

LIMIT = AppliedLimit(Scope.TEAM, "red", "b-1", Unit.MONEY, Forever(), 1_000_000)
WHO = Payer("https://idp.example", "ann", "red")


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    await make_file(tmp_path / "gatepass.db")
    return tmp_path / "gatepass.db"


class Faulty(SqliteLedger):
    """A ledger that keeps what it is given, and then says that it does not know."""

    def __init__(self, file: Path, failures: int) -> None:
        super().__init__(SqliteThread(file), counts=False)
        self.failures = failures

    async def append(self, rows: Sequence[LedgerRow]) -> None:
        await super().append(rows)
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable


@asynccontextmanager
async def counting(valkey: ValkeyProcess) -> AsyncIterator[RedisBudgets]:
    engine = RedisBudgets(RedisPlace(valkey.url(), "test"), SYSTEM_CLOCK, EngineRules())
    await engine.open()
    yield engine
    await engine.close()


@asynccontextmanager
async def reading(
    engine: RedisBudgets, ledger: SqliteLedger, take_over_seconds: float = 0.0
) -> AsyncIterator[LedgerReader]:
    reader = LedgerReader(engine.link, engine.keys, ledger, take_over_seconds=take_over_seconds)
    reader.start()
    yield reader
    await reader.close()
    await ledger.close()


def ledger_in(file: Path) -> SqliteLedger:
    return SqliteLedger(SqliteThread(file), counts=False)


async def spend(engine: RedisBudgets, numbers: range) -> None:
    async def one(number: int) -> None:
        await engine.reserve(Call(f"r-{number}", [LIMIT], Amounts(nano=10), WHO, "gpt-4o"))
        await engine.settle(f"r-{number}", Cost(Amounts(nano=3)))

    await asyncio.gather(*map(one, numbers))


async def until(happens: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await happens():  # noqa: ASYNC110 - another server is waited for
            await asyncio.sleep(0.01)


async def is_empty(engine: RedisBudgets) -> bool:
    return await engine.link.ask(b"XLEN", engine.keys.ledger) == 0


async def test_what_is_settled_comes_to_the_ledger_and_leaves_the_stream(
    valkey: ValkeyProcess, file: Path
) -> None:
    async with counting(valkey) as engine:
        await spend(engine, range(200))
        async with reading(engine, ledger_in(file)), reading(engine, ledger_in(file)):
            await spend(engine, range(200, 400))
            await until(lambda: is_empty(engine))
    assert len(stored(file)) == 400
    assert set(stored(file, "nano_usd, user_id, team_id, model, outcome")) == {
        (3, "ann", "red", "gpt-4o", "settled")
    }


async def test_a_record_that_was_kept_but_not_acknowledged_is_kept_once(
    valkey: ValkeyProcess, file: Path
) -> None:
    async with counting(valkey) as engine:
        await spend(engine, range(50))
        async with reading(engine, Faulty(file, failures=3)):
            await until(lambda: is_empty(engine))
    assert len(stored(file)) == 50


async def test_what_a_dead_reader_had_in_hand_is_taken_over(
    valkey: ValkeyProcess, file: Path
) -> None:
    async with counting(valkey) as engine:
        await spend(engine, range(30))
        async with reading(engine, ledger_in(file)) as dead:
            assert len(await dead._next()) in {0, 30}  # read, and never brought over
        async with reading(engine, ledger_in(file)):
            await until(lambda: is_empty(engine))
    assert len(stored(file)) == 30


async def test_a_record_that_nobody_can_read_stays_and_stops_nobody(
    valkey: ValkeyProcess, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with counting(valkey) as engine:
        await engine.link.ask(b"XADD", engine.keys.ledger, b"*", b"call", b"canary", b"end", b"x")
        await spend(engine, range(3))
        async with reading(engine, ledger_in(file)) as reader:

            async def is_left_alone() -> bool:
                return await engine.link.ask(b"XLEN", engine.keys.ledger) == 1

            await until(is_left_alone)
            assert reader.refused == 1
    assert len(stored(file)) == 3
    assert "stays in the stream" in caplog.text
    assert "canary" not in caplog.text


async def test_a_stream_that_is_lost_with_its_group_is_begun_again(
    valkey: ValkeyProcess, file: Path
) -> None:
    async with counting(valkey) as engine, reading(engine, ledger_in(file)):
        await spend(engine, range(3))
        await until(lambda: is_empty(engine))
        valkey.clear()
        await spend(engine, range(10, 13))

        async def all_kept() -> bool:
            return len(stored(file)) == 6

        await until(all_kept)
    assert GROUP == b"ledger"


async def test_counters_are_made_anew_from_the_ledger(valkey: ValkeyProcess, file: Path) -> None:
    place = RedisPlace(valkey.url(), "test")
    async with counting(valkey) as engine:
        await spend(engine, range(20))
    database = Database(url_of(file))
    await database.open()
    for _ in ("after all was lost", "after all was made anew"):
        async with open_counters(place, ledger_in(file)) as counters:
            async with database.snapshot() as connection:
                expected = await charged(connection)
            differences = await counters.differences(expected, SYSTEM_CLOCK.wall())
            assert [(found.counted, found.expected) for found in differences] in ([], [(0, 60)])
            valkey.clear()
            assert await counters.rebuild(expected, SYSTEM_CLOCK.wall()) == 1
            assert await counters.differences(expected, SYSTEM_CLOCK.wall()) == []
    await database.close()
    async with counting(valkey) as engine:
        (standing,) = await engine.standings([LIMIT])
        assert (standing.spent, standing.reserved) == (60, 0)


async def test_the_engine_that_the_settings_make_brings_its_records_itself(
    valkey: ValkeyProcess, file: Path
) -> None:
    place = RedisPlace(valkey.url(), "test")
    engine = make_budgets(EngineKind.REDIS, SYSTEM_CLOCK, EngineRules(), url_of(file), place)
    await engine.open()
    await engine.reserve(Call("r-1", [LIMIT], Amounts(nano=10), WHO, "gpt-4o"))
    await engine.settle("r-1", Cost(Amounts(nano=3)))

    async def is_kept() -> bool:
        return stored(file) == [("r-1", 3, "settled")]

    await until(is_kept)
    await engine.close()


async def test_the_commands_look_at_redis_where_it_counts(
    valkey: ValkeyProcess, file: Path
) -> None:
    settings = file.with_name("gatepass.yaml")
    stores = f"stores: {{redis: '{valkey.url()}', deployment: test}}\nbudgets: {{engine: redis}}\n"
    await asyncio.to_thread(settings.write_text, f"{LEAST_TEXT}\n{stores}")

    async def budgets(command: str) -> tuple[int, str]:
        words = ["budgets", command, "-c", str(settings)]
        done = await asyncio.to_thread(CliRunner().invoke, app, words)
        return done.exit_code, done.stdout

    async with counting(valkey) as engine:
        await spend(engine, range(5))
        assert await budgets("verify") == (0, "counters and ledger agree\n")
        assert len(stored(file)) == 5
    valkey.clear()
    status, shown = await budgets("verify")
    assert status == 1
    assert "spent  0        15" in shown
    assert await budgets("rebuild") == (0, "1 counters made anew\n")
    assert await budgets("verify") == (0, "counters and ledger agree\n")


async def test_a_window_is_compared_only_as_long_as_it_runs(
    valkey: ValkeyProcess, file: Path
) -> None:
    place, now = RedisPlace(valkey.url(), "test"), SYSTEM_CLOCK.wall()
    async with counting(valkey) as engine:
        await spend(engine, range(2))
    async with open_counters(place, ledger_in(file)) as counters:
        name, start = LIMIT.counter, int(now)
        past = {name: Spent(start - 100, start - 50, 7)}
        assert await counters.differences(past, now) == []
        assert await counters.rebuild(past, now) == 0
        later = {name: Spent(start + 100, start + 200, 7)}
        (found,) = await counters.differences(later, now)
        assert (found.what, found.expected) == ("window", start + 100)
        assert await counters.rebuild(later, now) == 1
        assert await counters.differences(later, now) == []
        assert await counters.rebuild({name: Spent(start, None, 1)}, now) == 0


@pytest.mark.rounds(50)
def test_a_valkey_that_is_killed_loses_nothing_that_was_settled(tmp_path: Path) -> None:
    file = tmp_path / "gatepass.db"
    asyncio.run(make_file(file))
    with valkey_process(durable=True) as server:
        place = RedisPlace(server.url(), DEPLOYMENT)
        with (
            spending("redis", file, tmp_path, "a", server.url()) as one,
            spending("redis", file, tmp_path, "b", server.url()) as two,
        ):
            for _ in range(2):
                one.wait_for(len(one.settled()) + 20 + secrets.randbelow(50))
                server.stop(signal.SIGKILL)
                server.start()
                for spender in (one, two):
                    spender.wait_for(len(spender.settled()) + 10)
        assert asyncio.run(_differences(place, file)) == []
    kept = [request_id for request_id, nano, _ in stored(file) if nano == SPENT]
    returned = one.settled() + two.settled()
    assert len(kept) == len(set(kept)) == len(stored(file))
    assert set(returned) <= set(kept)
    assert len(kept) - len(returned) <= 2 * AT_ONCE


async def _differences(place: RedisPlace, file: Path) -> Sequence[object]:
    database = Database(url_of(file))
    async with open_counters(place, ledger_in(file)) as counters:
        await database.open()
        async with database.snapshot() as connection:
            expected = await charged(connection)
        await database.close()
        return await counters.differences(expected, SYSTEM_CLOCK.wall())
