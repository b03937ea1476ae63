import asyncio
import threading
from pathlib import Path

import pytest

from gatepass.jwks import Issuer, KeySourceUnavailable, TokenFault, UrlKeys, Verifier
from gatepass.jwks.disk_copy import DiskCopy
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.saved import SavedKeys
from gatepass.jwks.source import InlineKeys, KeySource
from support.clock import ManualClock
from support.jwks_server import JwksServer, ok, status
from support.key_source import ScriptedSource
from support.keys_over_time import FRESHNESS, KEY, KEYS, NEXT, eventually, refused, rules
from support.tokens import key_set

DOWN = KeySourceUnavailable("timeout")


def _verifier(folder: Path, source: KeySource, clock: ManualClock) -> Verifier:
    return Verifier([Issuer(rules(), source, FRESHNESS, folder)], clock=clock)


def _only_file(folder: Path) -> bytes:
    (file,) = folder.iterdir()
    return file.read_bytes()


async def _life(verifier: Verifier) -> None:
    """Let a process start and end."""
    await verifier.start()
    await verifier.close()


async def test_sec_26_a_restart_during_an_outage_verifies_inside_the_same_limit(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    source = ScriptedSource(KEYS)
    token = KEY.token({"exp": int(clock.wall()) + 90_000})
    await _life(_verifier(tmp_path, source, clock))
    clock.advance(600)
    source.answer = DOWN
    verifier = _verifier(tmp_path, source, clock)
    await verifier.start()
    assert verifier.verify_warm(token) is not None
    assert verifier.ready
    (status,) = verifier.status()
    assert (status.age_seconds, status.last_error, status.stale) == (600, "timeout", True)
    assert "keys from disk serve, 600 s old" in caplog.text
    clock.advance(3000)
    assert verifier.verify_warm(token) is not None
    clock.advance(1)
    assert verifier.verify_warm(token) is None
    with pytest.raises(KeySourceUnavailable):
        await verifier.verify(token)
    assert not verifier.ready
    await verifier.close()


async def test_the_disk_is_asked_only_when_the_issuer_does_not_answer(
    tmp_path: Path, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    await _life(_verifier(tmp_path, source, clock))
    source.answer = key_set(NEXT)
    verifier = _verifier(tmp_path, source, clock)
    await verifier.start()
    assert await refused(verifier, KEY.token()) is TokenFault.UNKNOWN_KEY
    await verifier.close()


async def test_keys_in_hand_count_for_more_than_those_on_disk(
    tmp_path: Path, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = _verifier(tmp_path, source, clock)
    await verifier.start()
    await eventually(lambda: asyncio.all_tasks() == {asyncio.current_task()})  # written
    files = SavedKeys(tmp_path, rules().issuer, source.place or "")
    files.write(key_set(NEXT), clock.wall())
    source.answer = DOWN
    clock.advance(301)
    assert await verifier.verify(KEY.token())
    assert verifier.status()[0].key_ids == ("key-1",)
    await verifier.close()


async def test_keys_come_back_from_a_real_outage(tmp_path: Path, clock: ManualClock) -> None:
    async with JwksServer() as server:
        source = UrlKeys(
            server.serve("/keys?secret=canary", ok(KEYS)),
            HttpFetcher(timeout_seconds=5.0, allow_http_loopback=True),
        )
        await _life(_verifier(tmp_path, source, clock))
        assert b"canary" not in _only_file(tmp_path)
        server.serve("/keys?secret=canary", status(500))
        clock.advance(60)
        verifier = _verifier(tmp_path, source, clock)
        assert (await verifier.verify(KEY.token())).subject == "user-1"
        server.serve("/keys?secret=canary", ok(key_set(NEXT)))
        clock.advance(60)
        assert (await verifier.verify(NEXT.token())).subject == "user-1"
        assert await refused(verifier, KEY.token()) is TokenFault.UNKNOWN_KEY
        await verifier.close()


async def test_an_unchanged_set_is_kept_with_its_new_time(
    tmp_path: Path, clock: ManualClock
) -> None:
    source = ScriptedSource(KEYS)
    verifier = _verifier(tmp_path, source, clock)
    await verifier.start()
    clock.advance(3000)
    with pytest.raises(Exception, match="no key of the issuer fits"):
        await verifier.verify(NEXT.token())
    await verifier.close()
    clock.advance(3000)
    source.answer = DOWN
    verifier = _verifier(tmp_path, source, clock)
    assert (await verifier.verify(KEY.token({"exp": int(clock.wall()) + 300}))).key_set
    await verifier.close()


async def test_sec_23_what_is_no_key_set_on_disk_is_not_used(
    tmp_path: Path, clock: ManualClock
) -> None:
    source = ScriptedSource(DOWN)
    SavedKeys(tmp_path, rules().issuer, source.place or "").write(b"<html>", clock.wall())
    verifier = _verifier(tmp_path, source, clock)
    await verifier.start()
    assert not verifier.ready
    with pytest.raises(KeySourceUnavailable) as unavailable:
        await verifier.verify(KEY.token())
    assert unavailable.value.detail == "timeout"
    await verifier.close()


async def test_keys_of_the_settings_are_not_kept(tmp_path: Path, clock: ManualClock) -> None:
    await _life(_verifier(tmp_path / "keys", InlineKeys(KEYS), clock))
    assert not (tmp_path / "keys").exists()


async def test_a_disk_that_fails_is_told_of_once_and_stops_nothing(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    copy = DiskCopy(SavedKeys(tmp_path / "file", "https://idp.example", "p"), clock.wall)
    for _ in range(3):
        copy.keep(KEYS, clock.wall())
        await copy.close()
        assert await copy.recall(60) is None
    assert [record.getMessage() for record in caplog.records] == [
        "issuer https://idp.example: keys not kept on disk: cannot be written",
        "issuer https://idp.example: the keys on disk are not used: cannot be read",
    ]


async def test_nothing_on_disk_is_nothing_to_tell(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    copy = DiskCopy(SavedKeys(tmp_path, "https://idp.example", "p"), clock.wall)
    assert await copy.recall(60) is None
    await copy.close()
    assert not caplog.records


class SlowDisk(SavedKeys):
    """Takes its time for every write; counts them."""

    gate = threading.Event()
    writes = 0

    def write(self, document: bytes, loaded_at: float) -> None:
        type(self).writes += 1
        self.gate.wait(5)
        super().write(document, loaded_at)


async def test_nobody_waits_for_a_slow_disk(tmp_path: Path, clock: ManualClock) -> None:
    copy = DiskCopy(SlowDisk(tmp_path, "https://idp.example", "p"), clock.wall)
    copy.keep(key_set(NEXT), clock.wall())
    await eventually(lambda: SlowDisk.writes == 1)
    for _ in range(5):
        copy.keep(KEYS, clock.wall())
    SlowDisk.gate.set()
    await copy.close()
    assert SlowDisk.writes == 2, "of those that waited the newest is written"
    assert await copy.recall(60) == (KEYS, 0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
