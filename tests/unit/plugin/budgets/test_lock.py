import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.lock import ProcessLock, lock_path

HOLD = """
import asyncio, sys
from pathlib import Path
from gatepass.plugin.budgets.lock import ProcessLock

async def hold():
    async with ProcessLock(Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(hold())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gatepass.db.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_the_lock_stands_next_to_the_database() -> None:
    assert lock_path(Path("/data/gatepass.db")) == Path("/data/gatepass.db.lock")


async def test_a_second_holder_is_told_what_to_do(path: Path) -> None:
    async with ProcessLock(path):
        with pytest.raises(ConfigurationError, match="stop the other one") as caught:
            await ProcessLock(path, wait_seconds=0.06).acquire()
    assert str(path) in str(caught.value)
    async with ProcessLock(path, wait_seconds=0):
        pass


async def test_acquiring_and_releasing_twice_is_once(path: Path) -> None:
    lock = ProcessLock(path)
    await lock.acquire()
    await lock.acquire()
    lock.release()
    lock.release()
    async with ProcessLock(path, wait_seconds=0):
        pass


async def test_a_refused_lock_can_be_had_later(path: Path) -> None:
    first, second = ProcessLock(path), ProcessLock(path, wait_seconds=0)
    await first.acquire()
    with pytest.raises(ConfigurationError):
        await second.acquire()
    first.release()
    await second.acquire()
    second.release()


async def test_it_waits_for_one_that_is_shutting_down(path: Path) -> None:
    first = ProcessLock(path)
    await first.acquire()
    waiting = asyncio.create_task(ProcessLock(path, wait_seconds=5).acquire())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    first.release()
    await waiting


async def test_another_process_is_refused_while_one_holds_it(
    path: Path, holder: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(ConfigurationError):
        await ProcessLock(path, wait_seconds=0.06).acquire()
    assert holder.poll() is None


async def test_a_killed_process_leaves_no_lock_behind(
    path: Path, holder: subprocess.Popen[bytes]
) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    started = time.monotonic()
    async with ProcessLock(path):
        assert time.monotonic() - started < 2
    assert holder.wait(5) == -signal.SIGKILL


async def test_a_process_that_ends_is_waited_for(
    path: Path, holder: subprocess.Popen[bytes]
) -> None:
    waiting = asyncio.create_task(ProcessLock(path, wait_seconds=10).acquire())
    await asyncio.sleep(0.02)
    assert holder.stdin is not None
    holder.stdin.close()
    await waiting


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ENOENT"):
        await ProcessLock(tmp_path / "no" / "gatepass.db.lock").acquire()


def test_a_link_in_place_of_the_lock_is_not_followed(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    path.symlink_to(target)
    with pytest.raises(ConfigurationError, match="ELOOP"):
        asyncio.run(ProcessLock(path).acquire())
    assert not target.exists()


def test_the_file_stays_and_belongs_to_its_owner_alone(path: Path) -> None:
    lock = ProcessLock(path)
    asyncio.run(lock.acquire())
    lock.release()
    assert path.stat().st_mode & 0o777 == 0o600
