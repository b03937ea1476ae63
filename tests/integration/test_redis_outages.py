"""The engine while its Valkey is away, frozen, killed, empty of scripts, or somewhere else."""

import asyncio
import logging
import random
import signal
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules, Settlement
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.redis.engine import TIMEOUT_SECONDS, RedisBudgets
from gatepass.plugin.budgets.redis.housekeeping import EXPIRE_AT_ONCE
from gatepass.plugin.budgets.redis.layout import read_call
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.redis_place import RedisPlace
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER, Rolling
from support.budget_redis_engines import records
from support.clock import ManualClock
from support.ports import free_port
from support.valkey import ValkeyProcess, valkey_process

LIMIT = AppliedLimit(Scope.TEAM, "platform", "b", Unit.MONEY, FOREVER, 10**15)
OTHER = AppliedLimit(Scope.USER, "ann", "b", Unit.MONEY, Rolling(86_400, 0), 10**15)
COST = Cost(Amounts(70, 0, 1))


@pytest.fixture(scope="module")
def killed_server() -> Iterator[ValkeyProcess]:
    with valkey_process(durable=True) as server:
        yield server


@pytest.fixture
def durable(killed_server: ValkeyProcess) -> ValkeyProcess:
    killed_server.clear()
    return killed_server


@asynccontextmanager
async def opened(
    url: str, clock: Clock = SYSTEM_CLOCK, rules: EngineRules | None = None
) -> AsyncIterator[RedisBudgets]:
    engine = RedisBudgets(RedisPlace(url, "tests"), clock, rules or EngineRules())
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


def call(request_id: str | None = None, estimate: int = 100) -> Call:
    return Call(request_id or uuid.uuid4().hex, (LIMIT, OTHER), Amounts(estimate, 0, 1))


async def is_back(engine: RedisBudgets) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            await engine.ping()
        except StoreUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        else:
            return


async def test_sec_59_nothing_passes_while_it_is_away_and_it_is_found_again() -> None:
    with valkey_process() as server:
        server.stop()
        async with opened(server.url()) as engine:
            begin = time.monotonic()
            for _ in range(100):
                with pytest.raises(StoreUnavailable):
                    await engine.reserve(call())
            with pytest.raises(StoreUnavailable):
                await engine.standings([LIMIT])
            assert time.monotonic() - begin < 0.5, "nobody waits for what is known to be away"
            server.start()
            await is_back(engine)
            await engine.reserve(call("r"))
            server.stop(signal.SIGKILL)
            with pytest.raises(StoreUnavailable):
                await engine.settle("r", COST)
            with pytest.raises(StoreUnavailable):
                await engine.reserve(call())


async def test_nobody_waits_longer_than_told_for_one_that_does_not_answer() -> None:
    with valkey_process() as server:
        async with opened(server.url()) as engine:
            server.freeze()
            begin = time.monotonic()
            waiting = [engine.reserve(call()) for _ in range(50)]
            answers = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(answer, StoreUnavailable) for answer in answers)
            assert time.monotonic() - begin < TIMEOUT_SECONDS + 0.5
            with pytest.raises(StoreUnavailable):
                await engine.housekeeping.withdraw_doubtful()
            server.thaw()
            await is_back(engine)
            await engine.reserve(call())
            await engine.housekeeping.withdraw_doubtful()
            assert (await engine.standings([LIMIT]))[0].reserved == 100, "nobody pays for a refusal"


async def test_a_caller_who_goes_away_disturbs_nobody(valkey: ValkeyProcess) -> None:
    async with opened(valkey.url()) as engine:
        gone = asyncio.create_task(engine.reserve(call("gone")))
        stays = asyncio.create_task(engine.reserve(call("stays")))
        await asyncio.sleep(0)
        gone.cancel()
        assert (await stays).standings[0].reserved == 200, "what was sent was done"
        await engine.housekeeping.withdraw_doubtful()
        assert (await engine.standings([LIMIT]))[0].reserved == 100, "and is taken back"
        assert await engine.settle("gone", COST) is Settlement.UNKNOWN
        assert await engine.settle("stays", COST) is Settlement.SETTLED


async def test_scripts_that_the_server_forgot_are_sent_again(valkey: ValkeyProcess) -> None:
    async with opened(valkey.url()) as engine:
        with valkey.client() as client:
            client.script_flush()
        await engine.reserve(call("r"))
        assert await engine.settle("r", COST) is Settlement.SETTLED
        assert (await engine.standings([LIMIT]))[0].spent == 70


async def test_sec_60_an_account_is_used_and_never_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with valkey_process(password="canary-7f3a") as server:
        async with opened(server.url(database=3)) as engine:
            await engine.reserve(call("r"))
            with server.client(database=3) as client:
                assert client.exists("{tests}:call:r") == 1
        async with opened(server.url().replace("canary-7f3a", "canary-no")) as engine:
            with pytest.raises(StoreUnavailable) as caught:
                await engine.reserve(call())
        assert "canary" not in repr(caught.value)
    assert "canary" not in caplog.text


async def test_what_is_no_answer_of_ours_is_no_answer(valkey: ValkeyProcess) -> None:
    async with opened(valkey.url()) as engine:
        with valkey.client() as client:
            client.set("{tests}:call:r", b"somebody else's")
            client.set('{tests}:counter:["team","platform","b","money",""]', b"0")
            with pytest.raises(StoreUnavailable):
                await engine.pending("r")
            with pytest.raises(StoreUnavailable):
                await engine.reserve(call())


@pytest.mark.rounds(50)
async def test_sec_59_a_killed_server_keeps_every_settlement_that_returned(
    durable: ValkeyProcess,
) -> None:
    settled: list[str] = []

    async def work(engine: RedisBudgets) -> None:
        while True:
            try:
                wanted = call()
                await engine.reserve(wanted)
                if await engine.settle(wanted.request_id, COST) is Settlement.SETTLED:
                    settled.append(wanted.request_id)
            except StoreUnavailable:
                return

    async with opened(durable.url()) as engine:
        workers = [asyncio.create_task(work(engine)) for _ in range(16)]
        await asyncio.sleep(random.uniform(0.01, 0.05))  # noqa: S311 - when it happens to die
        durable.stop(signal.SIGKILL)
        await asyncio.gather(*workers)
        durable.start()
        await is_back(engine)
        rows = records(durable, engine)
        kept = [row.request_id for row in rows]
        assert len(set(kept)) == len(kept), "nothing counts twice"
        assert set(settled) <= set(kept), "nothing is lost"
        with durable.client() as client:
            waiting = [
                read_call(stored, engine.keys)
                for key in client.scan_iter(match="{tests}:call:*", count=1_000)
                if (stored := client.get(key)) is not None and stored.startswith(b"o")
            ]
        for limit, standing in zip(
            (LIMIT, OTHER), await engine.standings([LIMIT, OTHER]), strict=True
        ):
            charges = [c.amount for row in rows for c in row.charges if c.key == limit.counter]
            assert standing.spent == sum(charges) == 70 * len(kept)
            assert standing.reserved == sum(open_call.estimate.nano for open_call in waiting)


async def test_what_is_overdue_is_ended_piece_by_piece_and_everything_is_forgotten(
    valkey: ValkeyProcess,
) -> None:
    clock, many = ManualClock(), EXPIRE_AT_ONCE * 5 // 2
    async with opened(valkey.url(), clock, EngineRules(reservation_timeout_seconds=60)) as engine:
        for number in range(many):
            await engine.reserve(call(f"r{number}"))
        await engine.settle("r0", COST)
        clock.advance(60)
        (standing,) = await engine.standings([LIMIT])
        assert standing.spent == 70 + 100 * (EXPIRE_AT_ONCE - 1), "one piece with every operation"
        await engine.standings([LIMIT])
        (standing,) = await engine.standings([LIMIT])
        assert (standing.spent, standing.reserved) == (70 + 100 * (many - 1), 0)
        assert await engine.settle("r1", COST) is Settlement.SETTLED
        assert await engine.settle("r0", COST) is Settlement.ALREADY_SETTLED
        assert len(records(valkey, engine)) == many + 1
        clock.advance(60)
        await engine.expire()
        assert await engine.settle("r0", COST) is Settlement.UNKNOWN
        clock.advance(2 * 86_400)
        await engine.expire()
        with valkey.client() as client:
            assert set(client.keys()) == {
                b'{tests}:counter:["team","platform","b","money",""]',
                b"{tests}:ledger",
            }


async def test_a_node_of_a_cluster_says_where_our_slot_is() -> None:
    async with AsyncExitStack() as stack:
        folder = [stack.enter_context(valkey_process(cluster=True)) for _ in range(2)]
        here, there = folder
        with here.client() as client, there.client() as other:
            slot = int(client.execute_command("CLUSTER", "KEYSLOT", "{tests}:open"))
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", there.port, there.bus_port)
            other.execute_command("CLUSTER", "ADDSLOTSRANGE", slot, slot)
            for first, last in ((0, slot - 1), (slot + 1, 16_383)):
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            deadline = time.monotonic() + 10
            while b"cluster_state:ok" not in client.execute_command("CLUSTER", "INFO") or (
                b"cluster_state:ok" not in other.execute_command("CLUSTER", "INFO")
            ):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.02)
        async with opened(here.url()) as engine:
            await engine.reserve(call("r"))
            assert await engine.settle("r", COST) is Settlement.SETTLED
            assert (await engine.standings([LIMIT]))[0].spent == 70
        with there.client() as other:
            assert other.exists("{tests}:call:r") == 1


async def test_a_port_where_nobody_speaks_the_protocol() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-nobody\r\n")
        await writer.drain()
        writer.close()

    port = free_port()
    async with (
        await asyncio.start_server(talk, "127.0.0.1", port),
        opened(f"redis://127.0.0.1:{port}") as engine,
    ):
        with pytest.raises(StoreUnavailable):
            await engine.reserve(call())
