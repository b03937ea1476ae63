"""The engines that need no server, against the slow model of support.budget_model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from gatepass.jwks.clock import Clock
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.ledger_rows import LedgerRow
from gatepass.plugin.budgets.memory import MemoryBudgets
from support.budget_machine import EngineMachine, Opened, Opener
from support.soak import examples


class KeptRows:
    """A ledger that keeps every row at once."""

    def __init__(self) -> None:
        self.rows: list[LedgerRow] = []

    def put(self, row: LedgerRow) -> None:
        self.rows.append(row)

    async def durable(self, request_id: str) -> None:
        del request_id


@asynccontextmanager
async def in_process(clock: Clock, rules: EngineRules) -> AsyncIterator[Opened]:
    ledger = KeptRows()
    engine = MemoryBudgets(clock, rules, ledger)
    await engine.open()
    yield Opened(engine, lambda: ledger.rows)
    await engine.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("opener", [in_process])
def test_an_engine_does_what_the_model_does(opener: Opener) -> None:
    run_state_machine_as_test(
        partial(EngineMachine, opener),  # type: ignore[arg-type] # what makes one will do
        settings=settings(max_examples=examples(100), stateful_step_count=40, deadline=None),
    )
