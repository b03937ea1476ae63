"""`gatepass serve`: one event loop, one Gate, every door that the settings name.

SIGTERM and SIGINT finish the requests under way and leave, also before the first one; SIGHUP reads
the settings again, one time after the other.
"""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.gate import Gate
from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.listener import listening
from gatepass.plugin.gateways.server import server_for
from gatepass.plugin.logs import configure_logs
from gatepass.plugin.reload import Reloader
from gatepass.plugin.settings import compile_settings, load_settings

_log = logging.getLogger("gatepass.serve")


def run_serve(path: Path, log_level: str) -> None:
    """Serve until told to stop.

    Raises:
        ConfigurationError: the settings, the store or an address cannot be used.

    """
    configure_logs(log_level)
    with asyncio.Runner(loop_factory=loop_factory()) as runner, suppress(asyncio.CancelledError):
        runner.run(_serve(path))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return how to make an event loop: uvloop's where it is installed, else Python's own."""
    try:
        import uvloop  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _serve(path: Path) -> None:
    settings = load_settings(path)
    door = compile_settings(settings).http
    loop = asyncio.get_running_loop()
    hung_up = asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, hung_up.set)
    loop.add_signal_handler(signal.SIGTERM, _this_task().cancel)
    with listening(door.listen) as listener:
        async with Gate.open(settings) as gate:
            server = server_for(decision_app(gate, door))

            def stop() -> None:
                server.should_exit = True

            loop.add_signal_handler(signal.SIGTERM, stop)
            loop.add_signal_handler(signal.SIGINT, stop)
            reloading = loop.create_task(_reload_on(hung_up, Reloader(gate, path, settings)))
            _spare_the_collector()
            sys.stderr.write(f"gatepass: answering at {door.listen}\n")
            await server.serve(sockets=[listener])
            reloading.cancel()


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
