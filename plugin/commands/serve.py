"""`gatepass serve`, `kong` and `apisix`: every door that the settings name, or one alone.

With one worker this process answers itself; with several it holds the sockets, and processes that
it forks answer. Either way it can be started while another one still serves a gateway's
socket, and ended while the next one waits for it; and it ends by itself, with status 1, when
another one has taken the socket and is gone, or when APISIX has started it and is gone.
"""

import asyncio
import gc
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.lock import DEFAULT_WAIT_SECONDS, ProcessLock, lock_path
from gatepass.plugin.commands.descriptors import close_inherited, raise_limit
from gatepass.plugin.commands.doors import Doors, Only, is_spawned, open_doors
from gatepass.plugin.commands.serving import Surroundings, run_process
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.logs import configure_logs
from gatepass.plugin.settings import Compiled, Settings, compile_settings, load_settings
from gatepass.plugin.workers.cut_off import CutOff
from gatepass.plugin.workers.orphaned import Orphaned
from gatepass.plugin.workers.supervisor import Plan, supervise

TAKE_OVER_SECONDS = 30.0
"""Kong ends the last server about ten seconds after it has started the next, APISIX sooner."""

_OURS_ALONE = 0o077

IsOver = Callable[[], bool]

_log = logging.getLogger("gatepass.serve")


def run_serve(path: Path, log_level: str, only: Only | None = None) -> int:
    """Serve until told to stop, at one door only if asked to; return the exit status.

    Raises:
        ConfigurationError: the settings, the store or an address cannot be used.

    """
    if is_spawned(only):
        close_inherited()
    configure_logs(log_level)
    settings = load_settings(path)
    compiled = compile_settings(settings)
    os.umask(_OURS_ALONE)  # Kong starts us with 0: whatever we made would be everybody's
    raise_limit()
    with open_doors(compiled, only) as doors:
        if compiled.workers == 1:
            return _run_alone(path, settings, compiled, doors, _is_over(doors, only))
        return _run_workers(path, settings, compiled, doors, _is_over(doors, only))


def _is_over(doors: Doors, only: Only | None) -> IsOver:
    """Return what is asked every second whether to end although nobody says so."""
    cut_off = CutOff(doors.cut_off)
    if not is_spawned(only):
        return cut_off
    orphaned = Orphaned()
    return lambda: orphaned() or cut_off()


def _run_alone(
    path: Path, settings: Settings, compiled: Compiled, doors: Doors, is_over: IsOver
) -> int:
    lock = _process_lock(compiled)

    async def leave() -> None:
        for pause in doors.handing_over(lock.release if lock is not None else _hold_nothing):
            await asyncio.sleep(pause)

    around = Surroundings(lambda: _answer(doors), leave, lock, is_cut_off=is_over)
    return run_process(path, settings, doors, around)


def _run_workers(
    path: Path, settings: Settings, compiled: Compiled, doors: Doors, is_over: IsOver
) -> int:
    current = settings

    def work(ready: Callable[[], None], lifeline: int) -> None:
        run_process(path, current, doors, Surroundings(ready, lifeline=lifeline))

    def reload() -> bool:
        nonlocal current
        try:
            wanted = load_settings(path)
            compile_settings(wanted)
        except ConfigurationError as error:
            _log.error(
                "settings not reloaded; the old ones stay", extra={"problems": error.problems}
            )
            return False
        current = _as_far_as_reloaded(settings, wanted)
        return True

    def leave() -> None:
        for pause in doors.handing_over(_hold_nothing):
            time.sleep(pause)
        doors.close()

    gc.freeze()  # what is loaded by now is shared, as long as no collection writes on it
    plan = Plan(work, lambda: _answer(doors), reload, leave, is_over)
    return supervise(compiled.workers, plan)


def _as_far_as_reloaded(started: Settings, wanted: Settings) -> Settings:
    """Return new settings for workers that are started later: what needs a restart stays."""
    counted = {"engine": started.budgets.engine, "alerts": started.budgets.alerts}
    return wanted.model_copy(
        update={
            "budgets": wanted.budgets.model_copy(update=counted),
            "stores": started.stores,
            "doors": started.doors,
        }
    )


def _answer(doors: Doors) -> None:
    """Let everybody in, and say where."""
    for setting in doors.claim():
        _log.warning(
            "another server listened at the socket; this one has taken it over",
            extra={"setting": setting},
        )
    for door in doors:
        sys.stderr.write(f"gatepass: answering at {door.address}\n")
    sys.stderr.flush()


def _process_lock(compiled: Compiled) -> ProcessLock | None:
    """Return the lock that this process needs, not taken yet."""
    if compiled.budget_engine is not EngineKind.MEMORY:
        return None
    is_started_again = compiled.kong is not None or compiled.apisix is not None
    return ProcessLock(
        lock_path(database_path(compiled.database)),
        wait_seconds=TAKE_OVER_SECONDS if is_started_again else DEFAULT_WAIT_SECONDS,
        on_wait=_say_that_we_wait,
    )


def _say_that_we_wait() -> None:
    sys.stderr.write("gatepass: waiting for another process to let go of the budgets\n")
    sys.stderr.flush()


def _hold_nothing() -> None:
    """Only one process may count; nobody here does."""
