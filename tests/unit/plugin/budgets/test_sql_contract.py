"""The SQL engine, in a file and on a server, against the slow model of support.budget_model."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.engine import EngineRules
from support.budget_machine import EngineMachine, Opened
from support.budget_sql_engines import open_sql
from support.directories import Where
from support.soak import examples

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess

Fresh = Callable[[], Where]


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """What makes an empty database of the newest schema, as often as it is asked."""
    if request.param == "postgresql":
        server: PostgresqlProcess = request.getfixturevalue("postgresql")
        return server.clean_database
    migrated: Path = request.getfixturevalue("migrated")

    def new_file() -> Path:
        for name in ("a.db-wal", "a.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        return shutil.copyfile(migrated, tmp_path / "a.db")

    return new_file


@pytest.mark.timeout(300)
def test_an_engine_does_what_the_model_does(fresh: Fresh) -> None:
    @asynccontextmanager
    async def opener(clock: Clock, rules: EngineRules) -> AsyncIterator[Opened]:
        async with open_sql(fresh(), clock, rules) as opened:
            yield opened

    run_state_machine_as_test(
        partial(EngineMachine, opener),  # type: ignore[arg-type] # any callable will do
        settings=settings(max_examples=examples(12), stateful_step_count=30, deadline=None),
    )
