"""The engine in Redis, on a real Valkey, against the slow model of support.budget_model."""

from functools import partial

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from support.budget_machine import EngineMachine
from support.budget_redis_engines import in_valkey
from support.soak import examples
from support.valkey import ValkeyProcess


@pytest.mark.timeout(300)
def test_the_engine_does_what_the_model_does(valkey: ValkeyProcess) -> None:
    run_state_machine_as_test(
        partial(EngineMachine, in_valkey(valkey)),  # type: ignore[arg-type] # what makes one will do
        settings=settings(max_examples=examples(60), stateful_step_count=40, deadline=None),
    )
