"""Real workers that count together in a database: one limit for all, also after one is killed."""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.directories import Where, url_of
from support.gatepass_process import SECONDS, Served, serving
from support.gates import PRICES, token
from support.kong_process import workers_of
from support.ledgers import stored
from support.raw_http import Reply

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess

ENOUGH_FOR = 7
ENOUGH = "$0.075"  # a call is estimated at a little more than one cent
WORKERS = 2


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.soak)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    if request.param == "sqlite":
        return tmp_path / "shared.db"
    server: PostgresqlProcess = request.getfixturevalue("postgresql")
    return server.clean_database()


@contextmanager
def counting(folder: Path, where: Where) -> Iterator[Served]:
    sections = {
        "doors": {"workers": WORKERS},
        "budgets": {"engine": "sql", "prices": PRICES, "proxy": ENOUGH},
        "stores": {"database": url_of(where)},
    }
    with serving(folder, **sections) as served:
        deadline = time.monotonic() + SECONDS
        while len(workers_of(served.process.pid)) != WORKERS:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield served


def ask_many(served: Served, number: int) -> list[Reply]:
    bearer = token(team="red")
    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(lambda _: served.ask(bearer), range(number)))


def test_sec_59_the_workers_share_one_limit(tmp_path: Path, where: Where) -> None:
    with counting(tmp_path, where) as served:
        statuses = Counter(reply.status for reply in ask_many(served, 20))
        assert statuses == {200: ENOUGH_FOR, 429: 20 - ENOUGH_FOR}
        os.kill(min(workers_of(served.process.pid)), signal.SIGKILL)
        refused = [reply for reply in ask_many(served, 10) if reply.status != 200]
        assert {json.loads(reply.body)["error"]["code"] for reply in refused} == {"budget_exceeded"}
        assert len(refused) == 10
        assert served.stop() == 0
    with counting(tmp_path, where) as served:
        assert {reply.status for reply in ask_many(served, 4)} == {429}
        assert served.stop() == 0
    assert stored(where) == []
