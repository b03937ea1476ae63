"""Notices between processes, through a real Valkey that is there, goes away, hangs, and returns."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

import pytest

from gatepass.plugin.directory import broadcast as module
from gatepass.plugin.directory.broadcast import Broadcast, channel_of, tell_services
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.notices import Row, rows_changed
from support.happening import happens
from support.valkey import ValkeyProcess, valkey_process

ANN = Changed("user", "ann")
BOB = Changed("user", "bob")
NOTICE = 1.0
"""Within so many seconds everybody has heard."""


class Process:
    """What a process has heard, and how often it was told that it may have missed something."""

    def __init__(self, url: str, deployment: str = "tests") -> None:
        self.heard: list[Row | None] = []
        self.doubts = 0
        self.fails = False
        self.broadcast = Broadcast(url, deployment, self._hear, self._doubt)

    def _hear(self, rows: Iterable[Row] | None) -> None:
        if self.fails:
            raise LookupError("canary")
        self.heard += [None] if rows is None else rows

    def _doubt(self) -> None:
        self.doubts += 1

    async def hears(self, change: Changed, within: float = NOTICE) -> bool:
        with contextlib.suppress(TimeoutError):
            await happens(lambda: rows_changed([change])[0] in self.heard, within)
            return True
        return False


@asynccontextmanager
async def running(url: str, deployment: str = "tests") -> AsyncIterator[Process]:
    process = Process(url, deployment)
    task = asyncio.create_task(process.broadcast.run())
    try:
        yield process
    finally:
        task.cancel()
        await asyncio.wait([task])
        await process.broadcast.close()


@asynccontextmanager
async def two(url: str) -> AsyncIterator[tuple[Process, Process]]:
    async with running(url) as one, running(url) as other:
        await happens(lambda: one.doubts and other.doubts)
        yield one, other


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(module, "MIN_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(module, "MAX_WAIT_SECONDS", 0.05)


@pytest.fixture
def mortal() -> Iterator[ValkeyProcess]:
    """A server that a test may kill."""
    with valkey_process() as server:
        yield server


async def test_sec_51_what_one_process_changes_the_others_hear_within_a_second(
    valkey: ValkeyProcess,
) -> None:
    async with two(valkey.url()) as (one, other):
        started = time.monotonic()
        one.broadcast.publish([ANN, BOB])
        assert await other.hears(ANN)
        assert await other.hears(BOB)
        assert time.monotonic() - started < NOTICE
        assert one.heard == [], "who said it knows it already"
        await asyncio.sleep(0.05)
        assert len(other.heard) == len(set(other.heard))
        assert (one.doubts, other.doubts) == (1, 1)


async def test_deployments_do_not_disturb_each_other(valkey: ValkeyProcess) -> None:
    async with running(valkey.url(), "blue") as blue, two(valkey.url()) as (one, other):
        await happens(lambda: blue.doubts)
        one.broadcast.publish([ANN])
        assert await other.hears(ANN)
        assert blue.heard == []


async def test_a_command_tells_the_services(valkey: ValkeyProcess) -> None:
    async with two(valkey.url()) as processes:
        assert await tell_services(valkey.url(), "tests", [ANN])
        assert all([await process.hears(ANN) for process in processes])
    assert not await tell_services(None, "tests", [ANN])
    assert await tell_services(valkey.url(), "tests", [])
    assert not await tell_services("redis://127.0.0.1:1", "tests", [ANN])


async def test_many_changes_at_once_are_one_message_about_everything(
    valkey: ValkeyProcess,
) -> None:
    async with two(valkey.url()) as (one, other):
        one.broadcast.publish([Changed("user", str(number)) for number in range(5_000)])
        await happens(lambda: other.heard)
        assert other.heard == [None]
        one.broadcast.publish([ANN])
        assert await other.hears(ANN)


async def test_whatever_somebody_else_publishes_makes_processes_read_again_and_no_more(
    valkey: ValkeyProcess,
) -> None:
    async with two(valkey.url()) as (one, other):
        with valkey.client() as client:
            for junk in (b"", b"\x00" * 7, b"\xff" * 100_000, "user:ann"):
                client.publish(channel_of("tests"), junk)
        await happens(lambda: len(other.heard) == 4)
        assert one.heard == other.heard == [None] * 4
        one.broadcast.publish([ANN])
        assert await other.hears(ANN)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_after_a_gap_everything_is_doubted_and_what_is_unsaid_is_said(
    mortal: ValkeyProcess, how: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="gatepass.directory")
    async with two(mortal.url()) as (one, other):
        mortal.stop(how)
        await happens(lambda: not one.broadcast.connected and not other.broadcast.connected)
        one.broadcast.publish([ANN])
        await asyncio.sleep(0.05)
        assert (one.doubts, other.doubts) == (1, 1)
        mortal.start()
        await happens(lambda: (one.doubts, other.doubts) == (2, 2))
        await happens(lambda: not one.broadcast._unsent)
        one.broadcast.publish([BOB])
        assert await other.hears(BOB)
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.message for record in warnings] == ["not connected to Redis"] * 2
    assert str(mortal.port) not in caplog.text


async def test_a_server_that_hangs_is_left_and_found_again(mortal: ValkeyProcess) -> None:
    async with two(mortal.url()) as (one, other):
        mortal.freeze()
        await happens(lambda: not other.broadcast.connected)
        mortal.thaw()
        await happens(lambda: other.doubts > 1)
        one.broadcast.publish([ANN])
        assert await other.hears(ANN)


async def test_a_process_may_start_before_its_redis(mortal: ValkeyProcess) -> None:
    mortal.stop()
    async with running(mortal.url()) as process:
        await asyncio.sleep(0.05)
        assert process.doubts == 0
        mortal.start()
        await happens(lambda: process.doubts == 1)


async def test_a_connection_that_the_server_drops_is_a_gap(valkey: ValkeyProcess) -> None:
    async with two(valkey.url()) as (_, other):
        with valkey.client() as client:
            client.client_kill_filter(_type="pubsub")
        await happens(lambda: other.doubts == 2)


async def test_a_fault_of_ours_does_not_end_it(
    valkey: ValkeyProcess, caplog: pytest.LogCaptureFixture
) -> None:
    async with two(valkey.url()) as (one, other):
        other.fails = True
        one.broadcast.publish([ANN])
        await happens(lambda: "internal fault" in caplog.text)
        other.fails = False
        await happens(lambda: other.doubts == 2)
        one.broadcast.publish([BOB])
        assert await other.hears(BOB)
    (record,) = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert vars(record)["fault"] == ["LookupError"]
    assert "canary" not in caplog.text


async def test_quiet_is_no_gap(valkey: ValkeyProcess) -> None:
    async with two(valkey.url()) as (one, other):
        with valkey.client() as client:
            client.config_resetstat()

            def pings() -> int:
                stats = client.info("commandstats").get("cmdstat_ping", {"calls": 0})
                return int(stats["calls"])

            await happens(lambda: pings() >= 6)
        assert (one.doubts, other.doubts) == (1, 1)


@pytest.mark.rounds(20)
async def test_whoever_is_told_to_leave_leaves(
    valkey: ValkeyProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.02)
    for waits in range(5):  # the end of a wait and of the task can fall together
        await _come_and_go(Process(valkey.url()), 0.01 * waits)


async def _come_and_go(process: Process, after: float) -> None:
    task = asyncio.create_task(process.broadcast.run())
    await happens(lambda: process.doubts)
    await asyncio.sleep(after)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=2)
    assert done
    await process.broadcast.close()


async def test_sec_60_a_password_is_used_and_never_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with valkey_process(password="canary-7f3a") as server:
        async with two(server.url()) as (one, other):
            one.broadcast.publish([ANN])
            assert await other.hears(ANN)
        wrong = server.url().replace("canary-7f3a", "canary-wrong")
        async with running(wrong) as process:
            await happens(lambda: "AuthenticationError" in str([vars(r) for r in caplog.records]))
            assert process.doubts == 0
        assert not await tell_services(wrong, "tests", [ANN])
    assert "canary" not in str([vars(record) for record in caplog.records])


async def test_what_is_said_last_is_said_before_leaving(valkey: ValkeyProcess) -> None:
    async with running(valkey.url()) as other:
        await happens(lambda: other.doubts)
        async with running(valkey.url()) as one:
            await happens(lambda: one.doubts)
            one.broadcast.publish([ANN])
        assert await other.hears(ANN)
