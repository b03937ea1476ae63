"""The budget engine in Valkey: what a reservation and its settlement cost client and server.

    redis_budgets.py

The client's figure is CPU time of this process, six limits, 32 calls in flight, beside redis-py's
plain EVALSHA of the same script and arguments. The server's is the time that the server itself says
a script took, in ratio to the bare check-and-increment of six counters in the same round.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import redis.asyncio
import uvloop
from bench.figures import Figure, Reading

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import Call, Cost, EngineRules, Payer
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.redis.engine import RedisBudgets
from gatepass.plugin.budgets.redis.scripts import RESERVE
from gatepass.plugin.metering.prices import Price, Usage
from gatepass.plugin.redis_place import RedisPlace
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import Calendar, Period
from support.valkey import ValkeyProcess, valkey_process

CALLS, IN_FLIGHT, SUBJECTS = 3_200, 32, 200
HARD = 9 * 10**15
MONTH = Calendar(Period.MONTH, "Europe/Berlin")
PRICE = Price(2_500_000_000, 10_000_000_000, 16_384, version="genai-prices 0.2.3")
WHO = Payer("https://login.example.com/realms/acme", "alice", "platform", "acme", None)
ESTIMATE, COST = Amounts(4_100_000, 1_300, 1), Cost(Amounts(3_900_000, 380, 1), Usage(300, 80))
BARE = """
local values, estimate = redis.call('MGET', unpack(KEYS)), tonumber(ARGV[1])
for i = 1, #KEYS do
  if (tonumber(values[i]) or 0) + estimate > tonumber(ARGV[i + 1]) then return i end
end
for i = 1, #KEYS do redis.call('INCRBY', KEYS[i], estimate) end
return 0
"""


def six_limits(subject: int) -> tuple[AppliedLimit, ...]:
    return tuple(
        AppliedLimit(scope, f"subject-{subject}", f"budget-{subject}", Unit.MONEY, MONTH, HARD)
        for scope in Scope
    )


LIMITS = [six_limits(subject) for subject in range(SUBJECTS)]
_numbers = count()


def call() -> Call:
    number = next(_numbers)
    model = "gpt-4o-2024-08-06"
    return Call(f"{number:032x}", LIMITS[number % SUBJECTS], ESTIMATE, WHO, model, PRICE)


async def in_flight(ask: Callable[[int], Awaitable[object]]) -> float:
    """Return the microseconds of this process's CPU for one call."""

    async def worker(number: int) -> None:
        for _ in range(CALLS // IN_FLIGHT):
            await ask(number)

    start = time.process_time()
    await asyncio.gather(*map(worker, range(IN_FLIGHT)))
    return (time.process_time() - start) / CALLS * 1e6


async def client(valkey: ValkeyProcess, engine: RedisBudgets, rounds: int) -> list[Figure]:
    async def ours(_: int) -> None:
        wanted = call()
        await engine.reserve(wanted)
        await engine.settle(wanted.request_id, COST)

    plain = [redis.asyncio.Redis.from_url(valkey.url()) for _ in range(IN_FLIGHT)]
    digest = RESERVE.digest.decode()

    async def theirs(number: int) -> None:
        for _ in range(2):
            keys, words = _words(engine, call())
            await plain[number].evalsha(digest, keys, *words)

    own, reference = [], []
    for _ in range(rounds):
        valkey.clear()
        own.append(await in_flight(ours))
        reference.append(await in_flight(theirs))
    for connection in plain:
        await connection.aclose()
    ratio = statistics.median(a / b for a, b in zip(own, reference, strict=True))
    return [
        Figure("redis-py, two EVALSHA, client CPU", statistics.median(reference), 1.0, 1.0),
        Figure(
            "Redis reserve + settle, six limits, client CPU",
            statistics.median(own),
            ratio,
            25.0,
            bound_is_microseconds=True,
        ),
    ]


def _words(engine: RedisBudgets, wanted: Call) -> tuple[int, Sequence[bytes | str | int]]:
    keys, arguments = engine.reservation(wanted, SYSTEM_CLOCK.wall())
    return len(keys), (*keys, *arguments)


async def server(engine: RedisBudgets, rounds: int) -> list[Figure]:
    link = engine.link
    bare = await link.ask("SCRIPT", "LOAD", BARE)
    assert isinstance(bare, bytes)

    async def script_time(run: Callable[[int], Awaitable[object]]) -> float:
        await link.ask("CONFIG", "RESETSTAT")
        await in_flight(run)
        stats = await link.ask("INFO", "commandstats")
        assert isinstance(stats, bytes)
        (line,) = [one for one in stats.split() if one.startswith(b"cmdstat_evalsha:")]
        numbers = dict(pair.split(b"=") for pair in line.partition(b":")[2].split(b","))
        return int(numbers[b"usec"]) / int(numbers[b"calls"])

    made: list[str] = []

    async def increment(_: int) -> None:
        limits = LIMITS[next(_numbers) % SUBJECTS]
        keys = [f"{{bare}}:{limit.counter}" for limit in limits]
        await link.ask("EVALSHA", bare, len(keys), *keys, ESTIMATE.nano, *[HARD] * len(keys))

    async def reserve(_: int) -> None:
        wanted = call()
        await engine.reserve(wanted)
        made.append(wanted.request_id)

    async def settle(_: int) -> None:
        await engine.settle(made.pop(), COST)

    times: list[tuple[float, float, float]] = []
    for _ in range(rounds):
        times.append(
            (await script_time(increment), await script_time(reserve), await script_time(settle))
        )
        await link.ask("DEL", engine.keys.ledger)
    floors, reserves, settles = zip(*times, strict=True)
    return [
        Figure("bare check-and-increment of six, in the server", min(floors), 1.0, 1.0),
        *(
            Figure(name, min(took), min(took) / min(floors), 2.0)
            for name, took in (
                ("reserve on six limits, in the server", reserves),
                ("settle on six limits with its record", settles),
            )
        ),
    ]


async def redis_budgets(rounds: int) -> list[Figure | Reading]:
    """Time client and server; ratios are to the reference line before them."""
    with valkey_process() as valkey:
        engine = RedisBudgets(RedisPlace(valkey.url(), "bench"), SYSTEM_CLOCK, EngineRules())
        await engine.open()
        try:
            return [
                *await client(valkey, engine, rounds),
                *await server(engine, rounds),
            ]
        finally:
            await engine.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for figure in runner.run(redis_budgets(5)):
            print(figure)
