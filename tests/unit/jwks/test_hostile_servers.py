"""Every hostile server that we know of, against a whole verifier: our error, in time, keys kept."""

import asyncio
import gzip
import json
import time
from collections import Counter
from typing import ClassVar

import pytest

from gatepass.jwks import (
    Freshness,
    HttpFetcher,
    Issuer,
    KeySourceUnavailable,
    TokenRefused,
    UrlKeys,
    Verifier,
    fetch,
)
from gatepass.jwks.body import Body
from gatepass.jwks.slices import SLICE_BYTES
from support.clock import ManualClock
from support.jwks_server import (
    CHUNKED,
    Answer,
    JwksServer,
    endless,
    gzip_bomb,
    gzipped,
    hang,
    html,
    in_chunks,
    ok,
    raw,
    redirect,
    repeating,
    slow,
    slow_head,
    status,
)
from support.keys_over_time import FRESHNESS, KEY, KEYS, NEXT, eventually, made_up, refused, rules
from support.tokens import key_set

SOON = 0.3
"""The deadline, in seconds, against servers that never come to an end."""
NESTED = b'{"keys": ' + b"[" * 5000 + b"]" * 5000 + b"}"
MANY = json.dumps({"keys": [{"kty": "RSA", "kid": str(number)} for number in range(101)]}).encode()

HOSTILE: dict[str, tuple[Answer, str]] = {
    "sec_20-redirect-file": (redirect("file:///etc/hostname"), "redirect"),
    "sec_20-redirect-metadata": (redirect("http://169.254.169.254/latest/"), "redirect"),
    "sec_20-redirect-permanent": (redirect("https://keys.example/", 308), "redirect"),
    "sec_22-hang": (hang(), "timeout"),
    "sec_22-slow-loris": (slow(KEYS, seconds_per_byte=0.05), "timeout"),
    "sec_22-slow-head": (slow_head(), "timeout"),
    "sec_22-endless-body": (endless(), "too large"),
    "sec_22-endless-chunks": (repeating(CHUNKED, b"1\r\nx\r\n"), "too large"),
    "sec_22-endless-interim-answers": (repeating(b"", b"HTTP/1.1 103 E\r\n\r\n"), "too large"),
    "sec_22-gzip-bomb": (gzip_bomb(64), "too large"),
    "sec_22-deflate": (ok(KEYS, content_encoding="deflate"), "encoding"),
    "sec_22-brotli": (ok(KEYS, content_encoding="br"), "encoding"),
    "sec_22-endless-head": (raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50_000), "no answer"),
    "sec_23-status-500": (status(500), "status"),
    "sec_23-status-204": (status(204), "status"),
    "sec_23-status-304-unasked": (status(304), "redirect"),
    "sec_23-html": (html(), "key set is not strict JSON"),
    "sec_23-empty": (ok(b""), "key set is not strict JSON"),
    "sec_23-truncated": (ok(KEYS[:-1]), "key set is not strict JSON"),
    "sec_23-cut-off": (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{"), "no answer"),
    "sec_23-half-gzip": (ok(gzip.compress(KEYS)[:-9], content_encoding="gzip"), "not gzip"),
    "sec_23-list": (ok(b"[]"), "key set is not strict JSON"),
    "sec_23-nan": (ok(KEYS[:-1] + b', "x": NaN}'), "key set is not strict JSON"),
    "sec_23-twice": (ok(KEYS[:-1] + b', "keys": []}'), "key set is not strict JSON"),
    "sec_23-bom": (ok(b"\xef\xbb\xbf" + KEYS), "key set is not strict JSON"),
    "sec_23-utf16": (ok(KEYS.decode().encode("utf-16")), "key set is not strict JSON"),
    "sec_23-deep": (ok(NESTED), "key set is not strict JSON"),
    "sec_23-no-keys": (ok(b"{}"), "key set holds no list of keys"),
    "sec_23-many-keys": (ok(MANY), "key set holds too many keys"),
    "sec_23-not-http": (raw(b"SSH-2.0-OpenSSH_9.9\r\n"), "no answer"),
    "sec_23-two-lengths": (
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"),
        "no answer",
    ),
    "sec_23-nothing": (raw(b""), "no answer"),
}


def _verifier(url: str, clock: ManualClock, deadline: float = 5.0) -> Verifier:
    fetcher = HttpFetcher(timeout_seconds=deadline, allow_http_loopback=True)
    return Verifier([Issuer(rules(), UrlKeys(url, fetcher), FRESHNESS)], clock=clock)


@pytest.mark.parametrize(("answer", "detail"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_sec_20_sec_22_sec_23_a_hostile_server_ends_in_our_error_and_in_time(
    clock: ManualClock, answer: Answer, detail: str
) -> None:
    async with JwksServer() as server:
        deadline = SOON if detail == "timeout" else 20.0
        verifier = _verifier(server.serve("/keys", answer), clock, deadline)
        began = time.monotonic()
        with pytest.raises(KeySourceUnavailable) as unavailable:
            await verifier.verify(KEY.token())
        assert unavailable.value.detail == detail
        assert time.monotonic() - began < deadline + 2
        assert server.hits == ["/keys"]
        await verifier.close()


@pytest.mark.parametrize(("answer", "detail"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_sec_23_sec_26_no_hostile_answer_wipes_the_keys_in_hand(
    clock: ManualClock, answer: Answer, detail: str
) -> None:
    async with JwksServer() as server:
        deadline = 1.0 if detail == "timeout" else 20.0
        verifier = _verifier(server.serve("/keys", ok(KEYS)), clock, deadline)
        token = KEY.token()
        await verifier.verify(token)
        server.serve("/keys", answer)
        clock.advance(301)
        assert (await verifier.verify(token)).subject == "user-1"
        assert verifier.verify_warm(token) is not None
        assert len(server.hits) == 2
        await verifier.close()


@pytest.mark.parametrize(
    "answer",
    [ok(KEYS), ok(KEYS, "text/plain"), ok(KEYS, "text/html"), gzipped(KEYS), in_chunks(KEYS)],
    ids=["json", "text-plain", "text-html", "gzip", "chunks"],
)
async def test_what_real_servers_do_is_accepted(clock: ManualClock, answer: Answer) -> None:
    async with JwksServer() as server:
        verifier = _verifier(server.serve("/keys", answer), clock)
        assert (await verifier.verify(KEY.token())).subject == "user-1"
        await verifier.close()


class CountingBody(Body):
    """Counts how many parts of the body come in one turn of the event loop."""

    turn = 0
    parts: ClassVar[Counter[int]] = Counter()

    def feed(self, chunk: bytes) -> None:
        self.parts[CountingBody.turn] += 1
        super().feed(chunk)


async def _count_turns() -> None:
    while True:
        CountingBody.turn += 1
        await asyncio.sleep(0)


async def test_sec_22_a_body_of_tiny_chunks_does_not_keep_the_loop_from_others(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "make_body", lambda _encoding, most: CountingBody(most))
    big = KEYS + b" " * 60_000
    async with JwksServer() as server:
        verifier = _verifier(server.serve("/keys", in_chunks(big)), clock)
        counting = asyncio.create_task(_count_turns())
        assert (await verifier.verify(KEY.token())).subject == "user-1"
        counting.cancel()
        await verifier.close()
    assert CountingBody.parts.total() >= len(big)
    assert max(CountingBody.parts.values()) <= SLICE_BYTES // len(b"1\r\nx\r\n") + 1


async def test_sec_20_a_redirect_loop_is_one_request(clock: ManualClock) -> None:
    async with JwksServer() as server:
        verifier = _verifier(server.serve("/keys", redirect(server.url("/keys"))), clock)
        with pytest.raises(KeySourceUnavailable):
            await verifier.verify(KEY.token())
        assert server.hits == ["/keys"]
        await verifier.close()


async def test_sec_24_fifty_made_up_keys_cost_one_fetch_and_good_ones_none(
    clock: ManualClock,
) -> None:
    async with JwksServer() as server:
        verifier = _verifier(server.serve("/keys", ok(KEYS)), clock)
        await verifier.verify(KEY.token())
        clock.advance(10)
        flood = (verifier.verify(made_up(number)) for number in range(50))
        outcomes = await asyncio.gather(*flood, return_exceptions=True)
        assert all(isinstance(outcome, TokenRefused) for outcome in outcomes)
        for number in range(50):
            await refused(verifier, made_up(number))
        assert (await verifier.verify(KEY.token({"jti": "another"}))).subject == "user-1"
        assert len(server.hits) == 2
        await verifier.close()


async def test_sec_25_twenty_tokens_cost_a_failing_server_one_request(clock: ManualClock) -> None:
    async with JwksServer() as server:
        verifier = _verifier(server.serve("/keys", status(500)), clock)
        for _ in range(20):
            with pytest.raises(KeySourceUnavailable):
                await verifier.verify(KEY.token())
        assert len(server.hits) == 1
        await verifier.close()


async def test_sec_26_a_removed_key_expires(clock: ManualClock) -> None:
    async with JwksServer() as server:
        verifier = _verifier(server.serve("/keys", ok(key_set(KEY, NEXT))), clock)
        token = KEY.token()
        await verifier.verify(token)
        server.serve("/keys", ok(key_set(NEXT)))
        clock.advance(301)
        with pytest.raises(TokenRefused):
            await verifier.verify(token)
        await verifier.close()


async def test_an_unchanged_set_is_asked_for_by_its_tag_and_keeps_its_tokens(
    clock: ManualClock,
) -> None:
    async with JwksServer() as server:
        verifier = _verifier(server.serve("/keys", ok(KEYS, etag='"v1"')), clock)
        before = await verifier.verify(KEY.token())
        server.serve("/keys", status(304, etag='"v1"', cache_control="max-age=100"))
        clock.advance(301)
        after = await verifier.verify(KEY.token({"jti": "another"}))
        assert after.key_set is before.key_set
        assert server.headers[1]["if-none-match"] == '"v1"'
        clock.advance(101)
        await verifier.verify(KEY.token({"jti": "one more"}))
        assert len(server.hits) == 3, "the answer without a body says how long it is good, too"
        await verifier.close()


async def test_sec_24_a_server_that_flaps_is_asked_at_its_pace(clock: ManualClock) -> None:
    async with JwksServer() as server:
        verifier = _verifier(server.serve("/keys", ok(KEYS)), clock)
        token = KEY.token({"exp": int(clock.wall()) + 90_000})
        await verifier.verify(token)
        for number in range(100):
            server.serve("/keys", ok(KEYS) if number % 2 else status(500))
            clock.advance(1)
            await refused(verifier, made_up(number))
            assert (await verifier.verify(token)).subject == "user-1"
        assert len(server.hits) <= 11, "ten seconds lie between two of them"
        await verifier.close()


async def test_sec_27_the_timer_alone_keeps_keys_fresh() -> None:
    async with JwksServer() as server:
        fetcher = HttpFetcher(timeout_seconds=5.0, allow_http_loopback=True)
        source = UrlKeys(server.serve("/keys", ok(KEYS)), fetcher)
        verifier = Verifier([Issuer(rules(), source, Freshness(0.05, 0.01, 60))])
        await verifier.start()
        server.serve("/keys", ok(key_set(KEY, NEXT)))
        await eventually(lambda: len(verifier.status()[0].key_ids) == 2)
        assert verifier.verify_warm(NEXT.token()) is not None
        await verifier.close()
