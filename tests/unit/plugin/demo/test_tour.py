"""The tour fails where the gate fails."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from gatepass.plugin.demo.scenes import CALLS_WITHIN_BUDGET
from gatepass.plugin.demo.servers import Servers
from gatepass.plugin.demo.tour import Step, Tour
from support.demo import RunningProvider


def open_door(provider: RunningProvider, upstream: httpx.Client, database: Path) -> Servers:
    """Return servers whose gateway is the upstream itself: whatever is asked passes."""
    url = str(upstream.base_url).rstrip("/")
    return Servers(
        gateway=url,
        issuer=provider.issuer,
        service=url,
        upstream=url,
        settings=Path("gatepass.yaml"),
        database=database,
        secret=provider.secret,
        children=(),
    )


@pytest.fixture(scope="module")
def nowhere() -> str:
    """Return a URL that nobody answers: port 9 is reserved for what discards."""
    return "http://127.0.0.1:9"


def take(servers: Servers) -> list[Step]:
    with httpx.Client(trust_env=False) as http:
        return list(Tour(servers, http, refetch_seconds=0).steps())


def test_a_gateway_that_lets_everything_through_passes_no_step(
    provider: RunningProvider, upstream: httpx.Client, tmp_path: Path
) -> None:
    database = tmp_path / "gatepass.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE users (user_id TEXT)")
    steps = take(open_door(provider, upstream, database))
    assert len(steps) == 13
    assert [step.scene.name for step in steps if step.ok] == []
    for step in steps:
        if step.scene.expected.upstream is None:
            assert "the request reached the upstream" in step.differences
    met = next(step for step in steps if "first time" in step.scene.name)
    assert "alice had 0 rows before and 0 after, not 0 and 1" in met.differences


def test_the_budget_step_names_the_call_that_went_wrong(
    provider: RunningProvider, upstream: httpx.Client, tmp_path: Path
) -> None:
    steps = take(open_door(provider, upstream, tmp_path / "absent.db"))
    spent = next(step for step in steps if "budget" in step.scene.name)
    assert spent.differences[-1].startswith(f"call {CALLS_WITHIN_BUDGET}: the upstream saw")
    met = next(step for step in steps if "first time" in step.scene.name)
    assert met.differences == ("the database of the service cannot be read",)


def test_servers_that_answer_nothing_fail_every_step_and_raise_nothing(
    nowhere: str, tmp_path: Path
) -> None:
    servers = Servers(
        gateway=nowhere,
        issuer=nowhere,
        service=nowhere,
        upstream=nowhere,
        settings=tmp_path,
        database=tmp_path / "absent.db",
        secret="none",
        children=(),
    )
    steps = take(servers)
    assert len(steps) == 13
    assert not any(step.ok for step in steps)
    assert all(step.observed is None for step in steps)
