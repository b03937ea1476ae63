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
from gatepass.plugin.budgets.engines import BudgetEngine, make_budgets
from gatepass.plugin.budgets.lock import ProcessLock, lock_path
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
    budgets = make_budgets(compiled.budget_engine, clock, compiled.reservation_timeout_seconds)
    gate = Gate(make_rulebook(compiled, directory, clock), budgets, directory, clock, fetcher)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(gate.close)
        loading = asyncio.create_task(gate.start())
        stack.push_async_callback(_end, loading)
        if stores is None and compiled.budget_engine is BudgetEngine.MEMORY:
            lock = lock or ProcessLock(lock_path(database_path(compiled.database)), clock=clock)
            stack.callback(lock.release)
            await lock.acquire()
        stack.push_async_callback(directory.close)
        await directory.open()
        await loading
        yield gate


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel what somebody else no longer waits for."""
    task.cancel()
    await asyncio.wait([task])
