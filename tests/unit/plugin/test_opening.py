"""A Gate is opened with what it is given."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gatepass.jwks.clock import SYSTEM_CLOCK
from gatepass.jwks.errors import ConfigurationError, KeySourceUnavailable
from gatepass.jwks.fetcher import Fetched
from gatepass.plugin import load_settings
from gatepass.plugin.budgets.lock import ProcessLock
from gatepass.plugin.opening import open_gate
from support.gates import KEY, PRICES, WITHOUT_KEYS, chat, code_of, settings_file, token
from support.tokens import key_set

KEYS = "https://keys.example/keys"


class Documents:
    """Has one document and no network."""

    route = "by script"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.first = asyncio.Event()

    async def get(self, url: str, etag: bytes | None = None) -> Fetched:
        del etag
        self.asked.append(url)
        self.first.set()
        if url != KEYS:
            raise KeySourceUnavailable("status")
        return Fetched(key_set(KEY))

    async def post(self, url: str, form: bytes, headers: Mapping[str, str]) -> bytes:
        raise NotImplementedError


async def test_every_issuer_is_asked_by_the_fetcher_that_is_given(tmp_path: Path) -> None:
    away = {**WITHOUT_KEYS, "issuer": "https://away.example"}
    issuers = [{**WITHOUT_KEYS, "jwks_uri": KEYS}, away]
    settings = load_settings(settings_file(tmp_path, issuers=issuers))
    documents = Documents()
    async with open_gate(settings, clock=SYSTEM_CLOCK, stores=None, fetcher=documents) as gate:
        assert await code_of(gate, chat()) == "allowed"
        assert [status.last_error for status in gate.issuers()] == [None, "status"]
    assert sorted(documents.asked) == [
        "https://away.example/.well-known/openid-configuration",
        KEYS,
    ]


async def test_who_takes_over_has_the_keys_before_the_lock(tmp_path: Path) -> None:
    """The old process lets go in the middle of its requests: nothing slow may come after that."""
    issuers = [{**WITHOUT_KEYS, "jwks_uri": KEYS}]
    settings = load_settings(settings_file(tmp_path, issuers=issuers))
    documents = Documents()
    path = tmp_path / "gatepass.db.lock"
    waiting = asyncio.Event()
    lock = ProcessLock(path, wait_seconds=10, on_wait=waiting.set)
    opening = open_gate(settings, clock=SYSTEM_CLOCK, stores=None, fetcher=documents, lock=lock)
    async with ProcessLock(path):
        entering = asyncio.create_task(opening.__aenter__())
        await waiting.wait()
        await documents.first.wait()
        assert not entering.done()
        assert not (tmp_path / "gatepass.db").exists()
    gate = await entering
    assert await code_of(gate, chat()) == "allowed"
    lock.release()
    async with ProcessLock(path, wait_seconds=0):
        assert await code_of(gate, chat()) == "allowed"
    await opening.__aexit__(None, None, None)


async def test_who_waits_in_vain_leaves_nothing_running(tmp_path: Path) -> None:
    settings = load_settings(settings_file(tmp_path))
    path = tmp_path / "gatepass.db.lock"
    lock = ProcessLock(path, wait_seconds=0.03)
    async with ProcessLock(path):
        with pytest.raises(ConfigurationError, match="another process holds"):
            async with open_gate(settings, clock=SYSTEM_CLOCK, stores=None, lock=lock):
                pass
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_nobody_counts_and_nobody_is_kept_out(tmp_path: Path) -> None:
    settings = load_settings(
        settings_file(
            tmp_path,
            budgets={"engine": "none", "prices": PRICES},
            teams={"upsert": True, "defaults": {"budget": "$5"}},
        )
    )
    async with AsyncExitStack() as stack:
        for _ in range(2):
            opening = open_gate(settings, clock=SYSTEM_CLOCK, stores=None)
            gate = await stack.enter_async_context(opening)
            assert await code_of(gate, chat()) == "allowed"
            limited = chat(token(team="t1"))
            assert await code_of(gate, limited) == "budget_not_counted"
    assert not (tmp_path / "gatepass.db.lock").exists()
