"""One process that answers at the doors: one event loop, one Gate, a server for every door.

SIGTERM and SIGINT finish the requests under way and leave, also before the first one; SIGHUP reads
the settings again, one time after the other. A look every second tells of descriptors that run out,
and ends a process that nobody can reach any more. Who else is told that the process is ready, and
who is waited for before it leaves, is left to the caller.
"""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.lock import ProcessLock
from gatepass.plugin.commands.descriptors import DescriptorWatch
from gatepass.plugin.commands.doors import Doors
from gatepass.plugin.opening import open_gate
from gatepass.plugin.reload import Reloader
from gatepass.plugin.settings import Settings
from gatepass.plugin.workers.cut_off import LOOK_SECONDS, STATUS, never

_log = logging.getLogger("gatepass.serve")

SIGNALS = frozenset({signal.SIGHUP, signal.SIGTERM, signal.SIGINT})


async def _at_once() -> None:
    """Nobody is to be waited for."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the process tells and asks others: `ready` once, `leave` before the servers stop.

    `lifeline` is a descriptor that can be read when the process that started this one has ended.
    `is_cut_off` is asked every second, once ready, whether to end because nobody gets here.
    """

    ready: Callable[[], None]
    leave: Callable[[], Awaitable[None]] = _at_once
    lock: ProcessLock | None = None
    lifeline: int | None = None
    is_cut_off: Callable[[], bool] = never


def run_process(path: Path, settings: Settings, doors: Doors, around: Surroundings) -> int:
    """Serve until told to stop, or until nobody gets here; return the exit status.

    Raises:
        ConfigurationError: the store cannot be used, or another process holds the budgets.

    """
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        try:
            return runner.run(_serve(path, settings, doors, around))
        except asyncio.CancelledError:
            return 0


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return how to make an event loop: uvloop's where it is installed, else Python's own."""
    try:
        import uvloop  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _serve(path: Path, settings: Settings, doors: Doors, around: Surroundings) -> int:
    loop = asyncio.get_running_loop()
    hung_up, told_to_leave = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, hung_up.set)
    loop.add_signal_handler(signal.SIGTERM, _this_task().cancel)
    loop.add_signal_handler(signal.SIGINT, _this_task().cancel)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # blocked by whoever forked this process
    async with open_gate(settings, clock=SYSTEM_CLOCK, stores=None, lock=around.lock) as gate:
        servers = [(door.server_for(gate), door.listener) for door in doors]
        loop.add_signal_handler(signal.SIGTERM, told_to_leave.set)
        loop.add_signal_handler(signal.SIGINT, told_to_leave.set)
        if around.lifeline is not None:
            loop.add_reader(around.lifeline, _orphaned, loop, around.lifeline, told_to_leave)
        _spare_the_collector()
        around.ready()
        reloading = loop.create_task(_reload_on(hung_up, Reloader(gate, path, settings)))
        watching = loop.create_task(_watch(around.is_cut_off, told_to_leave))
        async with asyncio.TaskGroup() as group:
            for server, listener in servers:
                group.create_task(server.serve(listener))
            await told_to_leave.wait()
            status = STATUS if watching.done() else 0
            watching.cancel()
            await around.leave()
            for server, _ in servers:
                server.stop()
        reloading.cancel()
    return status


async def _watch(is_cut_off: Callable[[], bool], told_to_leave: asyncio.Event) -> None:
    """Look at the descriptors, and return when the process is cut off."""
    descriptors = DescriptorWatch()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        descriptors.look()
        if is_cut_off():
            told_to_leave.set()
            return


def _orphaned(loop: asyncio.AbstractEventLoop, lifeline: int, told_to_leave: asyncio.Event) -> None:
    """Leave: nobody would replace or stop this process any more."""
    loop.remove_reader(lifeline)
    told_to_leave.set()


def _spare_the_collector() -> None:
    """Keep the garbage collector from stopping requests for a tenth of a second now and then.

    What is loaded by now stays for good, so that a full collection need not look at it; what a
    request makes lives shortly or in the bounded memories, and hardly any of it in cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _this_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("called outside of a task")
    return task


async def _reload_on(hung_up: asyncio.Event, reloader: Reloader) -> None:
    while True:
        await hung_up.wait()
        hung_up.clear()
        await _reload(reloader)


async def _reload(reloader: Reloader) -> None:
    try:
        notes = await reloader.reload()
    except ConfigurationError as error:
        _log.error("settings not reloaded; the old ones stay", extra={"problems": error.problems})
        return
    except Exception as bug:  # noqa: BLE001 - the outermost handler: the next SIGHUP must count
        _log.error("internal fault while reloading", extra={"fault": type(bug).__name__})
        return
    _log.warning("settings reloaded", extra={"restart_needed_for": notes})
