"""A real PostgreSQL that goes and comes back under a Gate, and real processes with a Valkey."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatepass.plugin import Gate, Request
from gatepass.plugin.callers import PRINCIPALS_TTL_SECONDS
from gatepass.plugin.directory import broadcast
from gatepass.plugin.directory.broadcast import tell_services
from gatepass.plugin.directory.changed import Changed
from support.clock import ManualClock
from support.directories import query
from support.gatepass_process import Served, serving
from support.gates import OPEN_RULES, chat, code_of, open_gate, token
from support.happening import happens
from support.postgresql import PostgresqlProcess, postgresql_process
from support.valkey import ValkeyProcess, valkey_process

STALE_SECONDS = 30
ANN, BOB = token(), token(user="bob", sub="bob")
NOBODY_YET = token(user="eve", sub="eve")


@pytest.fixture
def mortal() -> Iterator[PostgresqlProcess]:
    """A server that a test may kill."""
    with postgresql_process() as server:
        yield server


@asynccontextmanager
async def gate_on(
    url: str, folder: Path, clock: ManualClock, **sections: object
) -> AsyncIterator[Gate]:
    stores = {"database": url, "serve_stale_for": f"{STALE_SECONDS}s"}
    sections = {"stores": stores, "budgets": {"engine": "none"}} | sections
    async with open_gate(folder, clock, **sections) as gate:
        yield gate


def look(bearer: bytes, path: bytes = b"/v1/models", method: str = "GET") -> Request:
    return chat(bearer, target=path, method=method, body=b"")


async def becomes(gate: Gate, request: Request, code: str, within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while await code_of(gate, request) != code:  # noqa: ASYNC110 - the gate sets no event
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_sec_41_rows_serve_for_so_long_and_then_nobody_and_recovery_needs_no_restart(
    mortal: PostgresqlProcess, tmp_path: Path, how: signal.Signals
) -> None:
    url, clock = mortal.new_database(), ManualClock()
    async with gate_on(url, tmp_path, clock) as gate:
        for bearer in (ANN, BOB):
            assert await code_of(gate, chat(bearer)) == "allowed"
        query(url, "UPDATE users SET role = 'proxy_admin' WHERE user_id = ?", "bob")
        gate.announce([Changed("user", "bob")])
        assert await code_of(gate, chat(BOB)) == "route_denied"  # an admin, who may do other things
        mortal.stop(how)
        assert await code_of(gate, chat(ANN)) == "allowed"
        clock.advance(PRINCIPALS_TTL_SECONDS + 1)
        codes = await asyncio.gather(*(code_of(gate, chat(ANN)) for _ in range(50)))
        assert set(codes) == {"allowed"}
        assert await code_of(gate, chat(BOB)) == "store_error"
        assert await code_of(gate, chat(NOBODY_YET)) == "store_error"
        assert await gate.is_ready()
        assert not await gate.store_answers()
        clock.advance(STALE_SECONDS)
        assert await code_of(gate, chat(ANN)) == "store_error"
        assert not await gate.is_ready()
        mortal.start()
        await becomes(gate, chat(ANN), "allowed")
        await becomes(gate, chat(NOBODY_YET), "allowed")
        clock.advance(1)
        assert await gate.is_ready()
        assert query(url, "SELECT user_id FROM users ORDER BY user_id") == [
            ("ann",),
            ("bob",),
            ("eve",),
        ]


async def test_sec_51_who_was_blocked_during_an_outage_is_blocked_when_it_is_over(
    mortal: PostgresqlProcess, tmp_path: Path
) -> None:
    url, clock = mortal.new_database(), ManualClock()
    async with gate_on(url, tmp_path, clock) as gate:
        assert await code_of(gate, chat(ANN)) == "allowed"
        query(url, "UPDATE users SET blocked = TRUE")
        mortal.stop(signal.SIGKILL)
        clock.advance(PRINCIPALS_TTL_SECONDS + 1)
        assert await code_of(gate, chat(ANN)) == "allowed"
        mortal.start()
        await becomes(gate, chat(ANN), "user_blocked")


async def test_a_database_that_hangs_keeps_nobody_waiting_for_long(
    mortal: PostgresqlProcess, tmp_path: Path
) -> None:
    url, clock = mortal.new_database(), ManualClock()
    async with gate_on(url, tmp_path, clock) as gate:
        assert await code_of(gate, chat(ANN)) == "allowed"
        clock.advance(PRINCIPALS_TTL_SECONDS + 1)
        mortal.freeze()
        try:
            started = time.monotonic()
            assert await code_of(gate, chat(ANN)) == "allowed"
            assert time.monotonic() - started < 3
            started = time.monotonic()
            codes = [await code_of(gate, chat(ANN)) for _ in range(100)]
            assert set(codes) == {"allowed"}
            assert time.monotonic() - started < 1
        finally:
            mortal.thaw()
        await becomes(gate, chat(NOBODY_YET), "allowed", within=15)


async def test_listed_routes_pass_while_it_is_away_and_only_then(
    mortal: PostgresqlProcess, tmp_path: Path
) -> None:
    url, clock = mortal.new_database(), ManualClock()
    profiles = {"default": {**OPEN_RULES, "unsafe_routes_without_store": ["/v1/models"]}}
    async with gate_on(url, tmp_path, clock, profiles=profiles, users={"upsert": False}) as gate:
        assert await code_of(gate, look(ANN)) == "user_unknown"
        clock.advance(PRINCIPALS_TTL_SECONDS)
        mortal.stop()
        assert await code_of(gate, look(ANN)) == "allowed"
        assert await code_of(gate, chat(ANN)) == "store_error"
        mortal.start()
        await becomes(gate, look(ANN), "user_unknown")
        assert gate.outage().without_rows >= 1


async def test_without_its_redis_a_process_goes_by_time_and_catches_up_when_it_is_back(
    postgresql: PostgresqlProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "MIN_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(broadcast, "MAX_WAIT_SECONDS", 0.02)
    url, clock = postgresql.new_database(), ManualClock()
    with valkey_process() as redis:
        stores = {"database": url, "redis": redis.url()}
        async with gate_on(url, tmp_path, clock, stores=stores) as gate:
            await happens(lambda: redis.listeners("gatepass:changes") == 1)
            assert await code_of(gate, chat(ANN)) == "allowed"
            redis.stop(signal.SIGKILL)
            query(url, "UPDATE users SET blocked = TRUE")
            assert not await tell_services(redis.url(), "gatepass", [Changed("user", "ann")])
            clock.advance(PRINCIPALS_TTL_SECONDS - 0.1)
            assert await code_of(gate, chat(ANN)) == "allowed"
            clock.advance(0.1)
            assert await code_of(gate, chat(ANN)) == "user_blocked"
            query(url, "UPDATE users SET blocked = FALSE")
            redis.start()
            await becomes(gate, chat(ANN), "allowed")
            assert gate.faults == 0


def code(served: Served, bearer: bytes) -> str:
    reply = served.ask(bearer)
    return "allowed" if reply.status == 200 else str(json.loads(reply.body)["error"]["code"])


async def test_sec_51_what_is_changed_anywhere_counts_in_every_process_within_a_second(
    postgresql: PostgresqlProcess, valkey: ValkeyProcess, tmp_path: Path
) -> None:
    url = postgresql.new_database()
    sections = {
        "stores": {"database": url, "redis": valkey.url(), "deployment": "tests"},
        "budgets": {"engine": "none"},
    }
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    with serving(folders[0], **sections) as one, serving(folders[1], **sections) as other:
        await happens(lambda: valkey.listeners("tests:changes") == 2)
        for served in (one, other):
            assert code(served, ANN) == "allowed"
        for statement, verdict in (
            ("UPDATE users SET blocked = TRUE", "user_blocked"),
            ("UPDATE users SET blocked = FALSE", "allowed"),
        ):
            query(url, statement)
            assert await tell_services(valkey.url(), "tests", [Changed("user", "ann")])
            started = time.monotonic()
            for served in (one, other):
                while code(served, ANN) != verdict:
                    assert time.monotonic() - started < 1.0
        for served in (one, other):
            assert "internal fault" not in served.errors
