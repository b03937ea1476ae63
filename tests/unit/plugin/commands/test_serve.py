"""What a process waits for before it starts, and what a later worker goes by."""

from pathlib import Path

import pytest

from gatepass.plugin.budgets.lock import DEFAULT_WAIT_SECONDS
from gatepass.plugin.commands.serve import (
    TAKE_OVER_SECONDS,
    _as_far_as_reloaded,
    _process_lock,
)
from gatepass.plugin.settings import compile_settings
from gatepass.plugin.settings.problems import Origin
from support.settings import settings_with


@pytest.mark.parametrize(
    ("doors", "seconds"),
    [({}, DEFAULT_WAIT_SECONDS), ({"kong": {"socket": "/run/kong.sock"}}, TAKE_OVER_SECONDS)],
)
def test_who_counts_waits_longer_where_kong_starts_the_next_one_early(
    doors: dict[str, object], seconds: float
) -> None:
    settings = settings_with(doors=doors)
    settings.remember(Origin(folder=Path("/etc/gate")))
    lock = _process_lock(compile_settings(settings))
    assert lock is not None
    assert lock._wait_seconds == seconds
    assert lock._path == Path("/etc/gate/gatepass.db.lock")


def test_who_does_not_count_waits_for_nobody() -> None:
    assert _process_lock(compile_settings(settings_with(budgets={"engine": "none"}))) is None


def test_a_later_worker_differs_from_the_others_in_nothing_that_needs_a_restart() -> None:
    prices = [{"model": "gpt-4o", "input": 1, "output": 2, "max_output_tokens": 3}]
    started = settings_with(
        budgets={"engine": "none", "reservation_timeout": "1m"},
        doors={"workers": 2, "http": {"listen": "127.0.0.1:1"}},
        stores={"database": "sqlite:///old.db"},
    )
    alerts = {"url": "https://hooks.example/", "secret": "0123456789abcdef0123456789abcdef"}
    wanted = settings_with(
        budgets={"prices": prices, "alerts": alerts},
        stores={"database": "sqlite:///new.db"},
        users={"upsert": True},
    )
    later = _as_far_as_reloaded(started, wanted)
    assert later.users == wanted.users
    assert later.budgets.prices == wanted.budgets.prices
    assert (later.doors, later.stores) == (started.doors, started.stores)
    assert later.budgets.engine == started.budgets.engine
    assert later.budgets.alerts is None
    assert later.budgets.reservation_timeout == wanted.budgets.reservation_timeout
    assert later.origin == wanted.origin
