"""A Gate with everything behind it: store, budgets, keys; opened in order and closed in reverse.

An issuer that is away keeps nobody out: opening tries once, tokens of that issuer get 503 until its
keys are there, and `Gate.is_ready` says so. What needs a person is refused: a store that cannot be
written, a second process on the same budgets.

The keys are fetched while the lock is waited for, so that whoever takes over from another process
is ready soon after it lets go. The store is not touched before, because opening may make it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gatepass.jwks.clock import Clock
from gatepass.jwks.fetcher import Fetcher
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.budgets.lock import ProcessLock, lock_path
from gatepass.plugin.budgets.making import make_budgets
from gatepass.plugin.directory.changed import Notify, nobody_is_told
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.directory.store import SqlDirectory
from gatepass.plugin.gate import Gate
from gatepass.plugin.rulebook import make_rulebook
from gatepass.plugin.settings import Settings, compile_settings


@dataclass(frozen=True, slots=True)
class Stores:
    """Another store than the settings name: its URL, or what `Database` made of it."""

    database: str | Database


@asynccontextmanager
async def open_gate(
    settings: Settings,
    *,
    clock: Clock,
    stores: Stores | None,
    fetcher: Fetcher | None = None,
    lock: ProcessLock | None = None,
) -> AsyncIterator[Gate]:
    """Open a Gate for the settings, and close it with all that is behind it.

    `fetcher` asks the issuers for their keys; None is the hardened one of `gatepass.jwks.fetch`.
    `lock` takes the place of the one that would be made, for a caller who lets go of it early.

    Raises:
        ConfigurationError: the store cannot be used, or another process holds the budgets.

    """
    # at DEBUG the driver writes down the parameters of every statement: who people are (SEC-60)
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    compiled = compile_settings(settings, fetcher=fetcher)
    store = compiled.database if stores is None else stores.database
    directory = SqlDirectory(store, compiled.directory, clock)
    tell: Notify = nobody_is_told
    broadcast = None
    if compiled.redis is not None and stores is None:
        from gatepass.plugin.directory.broadcast import (  # noqa: PLC0415 - few deployments have it
            Broadcast,
        )

        def doubt() -> None:
            gate.remembered().doubt_all(clock.monotonic())

        broadcast = Broadcast(*compiled.redis, lambda rows: gate.remembered().forget(rows), doubt)
        tell = broadcast.publish
    budgets = make_budgets(
        compiled.budget_engine,
        clock,
        compiled.engine_rules,
        compiled.database if stores is None else None,
        compiled.redis,
    )
    watch = None
    if compiled.alerts is not None and directory.database is not None:
        from gatepass.plugin.alerts.making import watched  # noqa: PLC0415 - few deployments have it

        budgets, watch = watched(budgets, directory.database, compiled.alerts, clock)
    gate = Gate(
        make_rulebook(compiled, directory, clock, tell=tell), budgets, directory, clock, fetcher
    )
    gate.database = directory.database
    async with AsyncExitStack() as stack:
        stack.push_async_callback(gate.close)
        loading = asyncio.create_task(gate.start())
        stack.push_async_callback(_end, loading)
        if stores is None and compiled.budget_engine is EngineKind.MEMORY:
            lock = lock or ProcessLock(lock_path(database_path(compiled.database)), clock=clock)
            stack.callback(lock.release)
            await lock.acquire()
        stack.push_async_callback(directory.close)
        await directory.open()
        stack.push_async_callback(budgets.close)
        await budgets.open()
        await loading
        if broadcast is not None:
            stack.push_async_callback(broadcast.close)
            stack.push_async_callback(_end, asyncio.create_task(broadcast.run()))
        if watch is not None:
            stack.push_async_callback(watch.close)
            stack.push_async_callback(_end, asyncio.create_task(watch.run(budgets)))
        yield gate


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel what somebody else no longer waits for."""
    task.cancel()
    await asyncio.wait([task])
