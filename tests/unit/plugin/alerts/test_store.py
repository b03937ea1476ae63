"""The table of alerts: each is made once, taken by one, tried again later, and given up."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepass.plugin.alerts.crossings import Alert
from gatepass.plugin.alerts.store import KEPT_SECONDS, LEASE_SECONDS, MAX_ATTEMPTS, AlertStore
from gatepass.plugin.directory.database import Database
from support.directories import Where

NOW = 1_763_900_000
ONE = Alert('["team","red","b","money",""]', NOW + 1000, "80%", '{"a": 1}')
OTHER = ONE._replace(threshold="100%")


@pytest.fixture
async def database(where: Where) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{where}" if isinstance(where, Path) else where)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def taken(store: AlertStore, now: int) -> list[tuple[str, int]]:
    return sorted((each.alert.threshold, each.attempts) for each in await store.take(now))


async def test_an_alert_is_made_once_and_taken_by_one(database: Database) -> None:
    store = AlertStore(database)
    await asyncio.gather(*(store.add([ONE, OTHER], NOW) for _ in range(8)))
    found = await asyncio.gather(*(store.take(NOW) for _ in range(8)))
    assert sorted(each.alert.threshold for take in found for each in take) == ["100%", "80%"]
    assert next(each.alert for take in found for each in take if each.alert == ONE) == ONE


async def test_what_was_delivered_does_not_come_again(database: Database) -> None:
    store = AlertStore(database)
    await store.add([ONE], NOW)
    await store.take(NOW)
    await store.delivered(ONE, NOW)
    await store.add([ONE], NOW + 500)
    assert await taken(store, NOW + 900) == []
    later = ONE._replace(ends_at=NOW + 2000)
    await store.add([later], NOW + 1001)
    assert await taken(store, NOW + 1001) == [("80%", 1)]


async def test_what_whoever_took_it_never_sent_is_taken_again(database: Database) -> None:
    store = AlertStore(database)
    await store.add([ONE], NOW)
    assert await taken(store, NOW) == [("80%", 1)]
    assert await taken(store, NOW + LEASE_SECONDS - 1) == []
    assert await taken(store, NOW + LEASE_SECONDS) == [("80%", 2)]


async def test_what_could_not_be_sent_comes_back_later_each_time_and_is_given_up(
    database: Database,
) -> None:
    store, now = AlertStore(database), NOW
    await store.add([ONE._replace(ends_at=0)], NOW)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        (each,) = await store.take(now)
        await store.failed(each, now)
        now += min(10 << attempt, 3600)
        assert await store.take(now - 1) == []
    assert await store.take(now + 10**6) == []


async def test_past_windows_are_forgotten(database: Database) -> None:
    store = AlertStore(database)
    await store.add([ONE], NOW)
    await store.take(NOW)
    await store.delivered(ONE, NOW)
    await store.take(ONE.ends_at + KEPT_SECONDS + 1)
    await store.add([ONE], NOW)
    assert await taken(store, NOW) == [("80%", 1)]
