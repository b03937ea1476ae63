"""Opaque tokens at a verifier, whose issuer is a real server that answers well, badly or never."""

import asyncio
import base64
import gc
import gzip
import json
import logging
import time
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from gatepass.jwks import (
    CacheBounds,
    DiscoveredEndpoint,
    HttpFetcher,
    InlineKeys,
    Introspection,
    IntrospectionUnavailable,
    Issuer,
    NamedEndpoint,
    TokenFault,
    TokenRefused,
    Verifier,
)
from gatepass.jwks.cache import DEFAULT_CACHE_BOUNDS
from support.clock import ManualClock
from support.fetching import ScriptedFetcher
from support.introspection import (
    CLIENT,
    FRESHNESS,
    NO,
    OPAQUE,
    PATH,
    answer_of,
    asked_about,
    asking,
    described,
    introspecting_rules,
    opaque_issuer,
    said,
)
from support.jwks_server import (
    Answer,
    JwksServer,
    endless,
    gzip_bomb,
    gzipped,
    hang,
    html,
    ok,
    raw,
    redirect,
    slow,
    slow_head,
    status,
    when,
)
from support.keys_over_time import KEY, KEYS, eventually, refused
from support.tokens import ISSUER

Verifiers = Callable[..., Verifier]


@pytest.fixture
async def server() -> AsyncIterator[JwksServer]:
    async with JwksServer() as server:
        yield server


@pytest.fixture
async def verifier_of(clock: ManualClock) -> AsyncIterator[Verifiers]:
    made: list[Verifier] = []

    def make(*issuers: Issuer, cache: CacheBounds = DEFAULT_CACHE_BOUNDS) -> Verifier:
        made.append(Verifier(issuers, clock=clock, cache=cache))
        return made[-1]

    yield make
    for verifier in made:
        await verifier.close()


async def unanswered(verifier: Verifier, token: bytes = OPAQUE) -> str:
    with pytest.raises(IntrospectionUnavailable) as unavailable:
        await verifier.verify(token)
    assert unavailable.value.code == "introspection_error"
    return unavailable.value.detail


async def test_a_good_token_is_asked_about_once_and_then_known(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, said(clock)))))
    assert verifier.verify_warm(OPAQUE) is None
    assert server.hits == [], "what is warm asks nobody"
    token = await verifier.verify(OPAQUE)
    assert (token.issuer, token.subject, token.key_set) == (ISSUER, "user-1", None)
    assert verifier.verify_warm(OPAQUE) is token
    assert await verifier.verify(OPAQUE) is token
    assert asked_about(server) == [OPAQUE.decode()]
    credentials = base64.b64encode(b"gatepass:hush-hush-hush").decode()
    assert server.headers[0]["Authorization".lower()] == f"Basic {credentials}"
    assert server.headers[0]["content-type"] == "application/x-www-form-urlencoded"


async def test_sec_51_a_revoked_token_passes_for_the_stated_time_and_no_longer(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    url = server.serve(PATH, said(clock))
    verifier = verifier_of(opaque_issuer(asking(url, cache_seconds=30)))
    await verifier.verify(OPAQUE)
    server.serve(PATH, NO)
    clock.advance(29.9)
    assert verifier.verify_warm(OPAQUE) is not None
    clock.advance(0.1)
    assert verifier.verify_warm(OPAQUE) is None
    assert await refused(verifier, OPAQUE) is TokenFault.INACTIVE


async def test_sec_51_the_time_begins_with_the_question(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    gate = asyncio.Event()
    url = server.serve(PATH, when(gate, said(clock)))
    verifier = verifier_of(opaque_issuer(asking(url, cache_seconds=30)))
    waiting = asyncio.create_task(verifier.verify(OPAQUE))
    await eventually(lambda: bool(server.hits))
    clock.advance(20)
    gate.set()
    await waiting
    clock.advance(9)
    assert verifier.verify_warm(OPAQUE) is not None
    clock.advance(1)
    assert verifier.verify_warm(OPAQUE) is None


async def test_sec_50_a_token_is_not_known_beyond_its_end(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    url = server.serve(PATH, said(clock, exp=int(clock.wall()) + 10))
    issuer = opaque_issuer(asking(url, cache_seconds=3600))
    verifier = verifier_of(replace(issuer, rules=introspecting_rules(leeway_seconds=60)))
    assert await verifier.verify(OPAQUE)
    clock.advance(10)
    assert verifier.verify_warm(OPAQUE) is None, "leeway is for clocks, and this is ours alone"
    assert await verifier.verify(OPAQUE), "the issuer still says yes"


async def test_without_a_cache_every_request_asks(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, said(clock)), cache_seconds=0)))
    for _ in range(3):
        assert (await verifier.verify(OPAQUE)).subject == "user-1"
        assert verifier.verify_warm(OPAQUE) is None
    assert len(server.hits) == 3


async def test_sec_49_a_verdict_is_for_the_whole_token_and_no_part_of_it(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    good = (b"a" * 100).decode()
    judge = answer_of(
        server, lambda token: described(clock.wall()) if token == good else {"active": False}
    )
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, judge))))
    await verifier.verify(good.encode())
    for other in (b"a" * 99, b"a" * 101, b"a" * 99 + b"b", b"A" + b"a" * 99):
        assert await refused(verifier, other) is TokenFault.INACTIVE


async def test_sec_50_new_settings_know_nothing_of_old_answers(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    issuer = opaque_issuer(asking(server.serve(PATH, said(clock))))
    before = verifier_of(issuer)
    await before.verify(OPAQUE)
    stricter = replace(issuer.rules, audiences=frozenset({"another"}))
    after = verifier_of(replace(issuer, rules=stricter))
    after.inherit(before)
    assert after.verify_warm(OPAQUE) is None
    assert await refused(after, OPAQUE) is TokenFault.BAD_AUDIENCE


async def test_settings_that_stay_the_same_keep_the_answers_as_old_as_they_are(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    url = server.serve(PATH, said(clock))
    before = verifier_of(opaque_issuer(asking(url, cache_seconds=30)))
    await before.verify(b"old")
    clock.advance(20)
    token = await before.verify(OPAQUE)
    after = verifier_of(opaque_issuer(asking(url, cache_seconds=30)))
    after.inherit(before)
    clock.advance(9)
    assert after.verify_warm(OPAQUE) is token
    clock.advance(1)
    after.inherit(before)
    assert after.verify_warm(b"old") is None, "neither its time nor that of the cache begins anew"
    clock.advance(19)
    assert after.verify_warm(OPAQUE) is token
    clock.advance(1)
    assert after.verify_warm(OPAQUE) is None
    assert len(server.hits) == 2


async def test_a_verifier_that_was_replaced_leaves_nothing_behind(
    server: JwksServer, clock: ManualClock
) -> None:
    verifier = Verifier([opaque_issuer(asking(server.serve(PATH, said(clock))))], clock=clock)
    await verifier.verify(OPAQUE)
    await verifier.close()
    gone = weakref.ref(verifier.introspectors[""])
    del verifier
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize(
    "change", [{"token_prefix": "2Yo"}, {"cache_seconds": 5}, {"endpoint": NamedEndpoint("x")}]
)
async def test_sec_50_settings_that_changed_keep_no_answer(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock, change: dict[str, object]
) -> None:
    url = server.serve(PATH, said(clock))
    before = verifier_of(opaque_issuer(asking(url)))
    await before.verify(OPAQUE)
    after = verifier_of(opaque_issuer(asking(url, **change)))
    after.inherit(before)
    assert after.verify_warm(OPAQUE) is None


async def test_sec_16_sec_50_no_answer_is_inherited_when_prefixes_share_tokens_out_anew(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    ours = opaque_issuer(asking(server.serve("/ours", said(clock))))
    theirs = opaque_issuer(
        asking(server.serve("/theirs", NO), token_prefix="their_"), "https://their.example"
    )
    before = verifier_of(ours)
    await before.verify(b"their_abc")
    after = verifier_of(ours, theirs)
    after.inherit(before)
    assert after.verify_warm(b"their_abc") is None
    assert await refused(after, b"their_abc") is TokenFault.INACTIVE
    again = verifier_of(ours)
    await after.verify(b"abc")
    again.inherit(after)
    assert again.verify_warm(b"abc") is None, "fewer prefixes share them out anew as well"


async def test_sec_16_every_issuer_is_asked_about_its_own_tokens(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    ours = asking(server.serve("/ours", said(clock)))
    theirs = asking(
        server.serve("/theirs", said(clock, iss="https://their.example")), token_prefix="their_"
    )
    verifier = verifier_of(opaque_issuer(ours), opaque_issuer(theirs, "https://their.example"))
    assert (await verifier.verify(b"abc")).trust == ISSUER
    assert (await verifier.verify(b"their_abc")).trust == "https://their.example"
    assert server.hits == ["/ours", "/theirs"]
    server.serve("/theirs", said(clock))
    assert await refused(verifier, b"their_def") is TokenFault.BAD_ISSUER


async def test_sec_13_sec_19_a_jwt_is_never_asked_about(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    asked = asking(server.serve(PATH, said(clock)))
    issuer = Issuer(introspecting_rules(), InlineKeys(KEYS), FRESHNESS, introspection=asked)
    verifier = verifier_of(issuer)
    assert (await verifier.verify(KEY.token())).key_set is not None
    forged = KEY.token().rpartition(b".")[0] + b"." + b"A" * 86
    assert await refused(verifier, forged) is TokenFault.BAD_SIGNATURE
    assert await refused(verifier, b"eyJhbGciOiJub25lIn0.e30.") is TokenFault.UNSUPPORTED_ALG
    assert await refused(verifier, b"a.b.c.d.e") is TokenFault.MALFORMED
    for changed in (forged + b".", forged.rpartition(b".")[0], KEY.token() + b"."):
        assert await refused(verifier, changed) is TokenFault.MALFORMED
    assert server.hits == []
    assert (await verifier.verify(OPAQUE)).key_set is None


async def test_without_keys_no_jwt_passes_and_readiness_does_not_wait_for_any(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, said(clock)))))
    await verifier.start()
    assert verifier.ready
    assert verifier.status() == []
    assert await refused(verifier, KEY.token()) is TokenFault.BAD_ISSUER


async def test_sec_06_what_no_bearer_token_can_be_is_not_asked_about(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, said(clock)))))
    for token in (
        b"",
        b"a b",
        b"a\nb",
        b"a\n",
        b"=",
        b"a=b",
        b"a,b",
        b"a\x00",
        b"\xc3\xa9",
        b"a&b",
    ):
        assert await refused(verifier, token) is TokenFault.MALFORMED
    assert await refused(verifier, b"a" * (16 * 1024 + 1)) is TokenFault.TOO_LARGE
    assert server.hits == []
    assert await verifier.verify(b"aZ09._~+/-==")


async def test_sec_24_one_question_serves_all_who_wait_and_outlives_those_who_give_up(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    gate = asyncio.Event()
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, when(gate, said(clock))))))
    waiting = [asyncio.create_task(verifier.verify(OPAQUE)) for _ in range(50)]
    await eventually(lambda: bool(server.hits))
    waiting[0].cancel()
    await asyncio.sleep(0)
    gate.set()
    tokens = await asyncio.gather(*waiting[1:])
    assert all(token is tokens[0] for token in tokens)
    assert len(server.hits) == 1
    assert verifier.introspections()[0].in_flight == 0


async def test_sec_51_a_refused_token_is_not_asked_about_again_for_a_while(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    url = server.serve(PATH, NO)
    verifier = verifier_of(opaque_issuer(asking(url, refused_seconds=10)))
    for _ in range(5):
        assert await refused(verifier, OPAQUE) is TokenFault.INACTIVE
    assert len(server.hits) == 1
    server.serve(PATH, said(clock))
    clock.advance(10)
    assert (await verifier.verify(OPAQUE)).subject == "user-1"


async def test_sec_24_a_flood_of_made_up_tokens_is_bounded_and_known_ones_pass(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    judge = answer_of(
        server,
        lambda token: described(clock.wall()) if token == OPAQUE.decode() else {"active": False},
    )
    url = server.serve(PATH, judge)
    verifier = verifier_of(opaque_issuer(asking(url, max_per_second=20, max_in_flight=5)))
    await verifier.verify(OPAQUE)
    flood = [verifier.verify(b"made-up-%d" % number) for number in range(500)]
    outcomes = await asyncio.gather(*flood, return_exceptions=True)
    held = [one for one in outcomes if isinstance(one, IntrospectionUnavailable)]
    assert len([one for one in outcomes if isinstance(one, TokenRefused)]) == 3
    assert {one.detail for one in held} == {"too many at once"}
    for number in range(500, 600):
        with pytest.raises((TokenRefused, IntrospectionUnavailable)):
            await verifier.verify(b"made-up-%d" % number)
    assert len(server.hits) == 10
    assert verifier.verify_warm(OPAQUE) is not None
    (told,) = verifier.introspections()
    assert (told.asked, told.refused, told.held_back) == (10, 9, 497 + 94)
    assert len(caplog.records) == 2, "each kind once, not once per token"
    assert "made-up" not in caplog.text


async def test_sec_24_a_flood_of_made_up_tokens_keeps_no_good_one_from_being_asked_about_again(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    good = [b"good-%d" % number for number in range(5)]
    judge = answer_of(
        server,
        lambda token: described(clock.wall()) if "good" in token else {"active": False},
    )
    asked = asking(server.serve(PATH, judge), max_per_second=20, cache_seconds=1)
    verifier = verifier_of(opaque_issuer(asked))
    for token in good:
        await verifier.verify(token)
    for second in range(3):
        if second == 2:  # new settings know them as well
            after = verifier_of(opaque_issuer(asked))
            after.inherit(verifier)
            verifier = after
        clock.advance(1)
        for number in range(30):
            with pytest.raises((TokenRefused, IntrospectionUnavailable)):
                await verifier.verify(b"made-up-%d-%d" % (second, number))
        for token in good:
            assert verifier.verify_warm(token) is None
            assert await verifier.verify(token)
        assert await unanswered(verifier, b"good-too-but-new") == "too many per second"


async def test_sec_24_a_token_that_was_revoked_is_a_stranger_again(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    url = server.serve(PATH, said(clock))
    asked = asking(url, max_per_second=2, cache_seconds=0, refused_seconds=0.1)
    verifier = verifier_of(opaque_issuer(asked))
    await verifier.verify(OPAQUE)
    server.serve(PATH, NO)
    assert await refused(verifier, OPAQUE) is TokenFault.INACTIVE
    clock.advance(0.5)
    assert await unanswered(verifier) == "too many per second"


async def test_sec_25_a_server_that_stumbles_over_everything_is_left_alone_for_a_while(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    url = server.serve(PATH, said(clock))
    verifier = verifier_of(opaque_issuer(asking(url, cache_seconds=0)))
    await verifier.verify(OPAQUE)
    server.serve(PATH, status(503))
    for number in range(10):
        assert await unanswered(verifier, b"token-%d" % number) == "status"
    assert await unanswered(verifier, b"another") == "not asked again yet"
    assert len(server.hits) == 11
    assert verifier.introspections()[0].failures == 1
    server.serve(PATH, said(clock))
    assert await verifier.verify(OPAQUE), "what was good lately is asked about all the same"
    assert await verifier.verify(b"another"), "and an answer opens the way again"


HOSTILE: dict[str, tuple[Answer, str]] = {
    "sec_20-redirect": (redirect("https://evil.example/"), "redirect"),
    "sec_22-endless-body": (endless(), "too large"),
    "sec_22-gzip-bomb": (gzip_bomb(64), "too large"),
    "sec_22-brotli": (ok(b"{}", content_encoding="br"), "encoding"),
    "sec_22-half-gzip": (ok(gzip.compress(b"{}")[:-9], content_encoding="gzip"), "not gzip"),
    "sec_23-status-500": (status(500), "status"),
    "sec_23-status-401": (status(401), "status"),
    "sec_23-status-204": (status(204), "status"),
    "sec_23-html": (html(), "answer: not strict JSON"),
    "sec_23-empty": (ok(b""), "answer: not strict JSON"),
    "sec_23-list": (ok(b'[{"active": true}]'), "answer: not strict JSON"),
    "sec_23-twice": (ok(b'{"active":false,"active":true}'), "answer: not strict JSON"),
    "sec_23-text": (ok(b'{"active":"true"}'), "answer: active is neither true nor false"),
    "sec_23-jwt": (
        ok(KEY.token(), "application/token-introspection+jwt"),
        "answer: a signed one (RFC 9701)",
    ),
    "sec_23-not-http": (raw(b"SSH-2.0-OpenSSH_9.9\r\n"), "no answer"),
    "sec_23-nothing": (raw(b""), "no answer"),
}


@pytest.mark.parametrize(("answer", "detail"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_sec_20_sec_22_sec_23_sec_25_what_is_no_answer_lets_nobody_in_and_keeps_nobody_out(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock, answer: Answer, detail: str
) -> None:
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, answer))))
    for _ in range(5):
        assert await unanswered(verifier) == detail
    with pytest.raises(IntrospectionUnavailable):
        verifier.verify_warm(OPAQUE)
    assert len(server.hits) == 1, "the same token is not tried again and again"
    assert verifier.introspections()[0].last_error == detail
    server.serve(PATH, said(clock))
    assert (await verifier.verify(b"another")).subject == "user-1"
    clock.advance(1)
    assert (await verifier.verify(OPAQUE)).subject == "user-1"
    assert verifier.introspections()[0].last_error is None


@pytest.mark.parametrize(
    "answer", [hang(), slow_head(), slow(b'{"active":true}', 0.05)], ids=["hang", "head", "slow"]
)
async def test_sec_22_sec_25_an_issuer_that_does_not_answer_is_left_alone_for_a_while(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock, answer: Answer
) -> None:
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, answer), 0.2)))
    began = time.monotonic()
    waiting = [verifier.verify(b"token-%d" % number) for number in range(10)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert time.monotonic() - began < 2
    assert all(isinstance(one, IntrospectionUnavailable) for one in outcomes)
    # under load a question may end before the server has seen it
    assert verifier.introspections()[0].asked == 10
    assert await unanswered(verifier) == "not asked again yet"
    assert verifier.introspections()[0].asked == 10
    server.serve(PATH, said(clock))
    clock.advance(1)
    assert (await verifier.verify(OPAQUE)).subject == "user-1"
    (told,) = verifier.introspections()
    assert (told.issuer, told.unanswered, told.failures) == (ISSUER, 10, 0)


async def test_sec_25_while_it_rests_known_tokens_pass_and_one_question_goes_out(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    url = server.serve(PATH, said(clock))
    verifier = verifier_of(opaque_issuer(asking(url, 0.2, cache_seconds=3600)))
    await verifier.verify(OPAQUE)
    server.serve(PATH, hang())
    assert await unanswered(verifier, b"another") == "timeout"
    assert verifier.verify_warm(OPAQUE) is not None
    clock.advance(1)
    waiting = [verifier.verify(b"token-%d" % number) for number in range(10)]
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    details = [str(getattr(one, "detail", one)) for one in outcomes]
    assert sorted(details) == ["not asked again yet"] * 9 + ["timeout"]
    assert verifier.introspections()[0].failures == 2


async def test_sec_20_a_server_that_is_not_there(
    verifier_of: Verifiers, unused_tcp_port: int
) -> None:
    verifier = verifier_of(opaque_issuer(asking(f"http://127.0.0.1:{unused_tcp_port}{PATH}")))
    assert await unanswered(verifier) == "connection refused"
    assert await unanswered(verifier, b"another") == "not asked again yet"


async def test_what_real_servers_do_is_accepted(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    document = json.dumps(described(clock.wall()), indent=2).encode()
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, gzipped(document)))))
    assert (await verifier.verify(OPAQUE)).subject == "user-1"
    server.serve(PATH, ok(document, "application/json;charset=UTF-8"))
    assert (await verifier.verify(b"another")).claims["client_id"] == "chat"


async def test_sec_21_the_endpoint_is_found_by_metadata(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    issuer = server.url()
    url = server.serve(PATH, said(clock, iss=issuer))
    metadata = {"issuer": issuer, "introspection_endpoint": url}
    server.serve("/.well-known/openid-configuration", ok(json.dumps(metadata).encode()))
    fetcher = HttpFetcher(timeout_seconds=5, allow_http_loopback=True)
    endpoint = DiscoveredEndpoint(issuer, fetcher, allow_http_loopback=True)
    verifier = verifier_of(opaque_issuer(asking(url, endpoint=endpoint), issuer))
    assert (await verifier.verify(OPAQUE)).issuer == issuer
    assert (await verifier.verify(b"another")).issuer == issuer
    assert server.hits == ["/.well-known/openid-configuration", PATH, PATH]


async def test_sec_25_metadata_that_is_away_keeps_its_own_pace(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    place = "/.well-known/openid-configuration"
    issuer, url = server.url(), server.serve(PATH, said(clock, iss=server.url()))
    server.serve(place, status(503))
    fetcher = HttpFetcher(timeout_seconds=5, allow_http_loopback=True)
    endpoint = DiscoveredEndpoint(issuer, fetcher, allow_http_loopback=True)
    verifier = verifier_of(opaque_issuer(asking(url, endpoint=endpoint), issuer))
    for number in range(100):
        assert await unanswered(verifier, b"token-%d" % number) == "status"
        clock.advance(1)
    assert server.hits == [place] * 8, "after 1, 2, 4, 8, 16, 30, 30 seconds"
    metadata = {"issuer": issuer, "introspection_endpoint": url}
    server.serve(place, ok(json.dumps(metadata).encode()))
    clock.advance(30)
    assert (await verifier.verify(OPAQUE)).issuer == issuer


async def test_retiring_lets_those_who_wait_have_their_answer(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    gate = asyncio.Event()
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, when(gate, said(clock))))))
    waiting = asyncio.create_task(verifier.verify(OPAQUE))
    await eventually(lambda: bool(server.hits))
    retiring = asyncio.create_task(verifier.retire())
    await asyncio.sleep(0.01)
    assert not retiring.done()
    gate.set()
    await retiring
    assert (await waiting).subject == "user-1"
    assert await unanswered(verifier, b"another") == "closed"


async def test_closing_gives_up_what_is_under_way(
    server: JwksServer, verifier_of: Verifiers
) -> None:
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, hang()))))
    waiting = asyncio.create_task(verifier.verify(OPAQUE))
    await eventually(lambda: bool(server.hits))
    await verifier.close()
    with pytest.raises(IntrospectionUnavailable) as unavailable:
        await waiting
    assert unavailable.value.detail == "closed"


async def test_sec_18_sec_60_a_bug_of_ours_lets_nothing_pass_and_says_no_value(
    verifier_of: Verifiers, caplog: pytest.LogCaptureFixture
) -> None:
    url = "https://idp.example/introspect"
    fetcher = ScriptedFetcher({url: ValueError(OPAQUE.decode())})
    verifier = verifier_of(opaque_issuer(asking(url, fetcher=fetcher)))
    assert await unanswered(verifier) == "internal error"
    assert [record.getMessage() for record in caplog.records] == [
        f"issuer {ISSUER}: ValueError while asking",
        f"issuer {ISSUER}: opaque tokens not judged: internal error",
    ]
    assert verifier.introspections()[0].in_flight == 0


async def test_sec_60_nothing_of_a_token_or_of_our_secret_is_logged(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, status(500)))))
    await unanswered(verifier)
    server.serve(PATH, html())
    await unanswered(verifier, b"another")
    server.serve(PATH, said(clock))
    await verifier.verify(b"one-more")
    text = caplog.text + repr(verifier.introspections())
    secret = CLIENT.client_secret
    for canary in (OPAQUE.decode(), "another", "one-more", "user-1", secret, "Basic"):
        assert canary not in text


async def test_a_failure_is_told_again_when_it_lasts(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    verifier = verifier_of(opaque_issuer(asking(server.serve(PATH, status(500)))))
    for _ in range(119):
        await unanswered(verifier)
        clock.advance(1)
    assert len(caplog.records) == 2


async def test_answers_share_the_bounds_of_all_tokens(
    server: JwksServer, verifier_of: Verifiers, clock: ManualClock
) -> None:
    introspection: Introspection = asking(server.serve(PATH, said(clock)), cache_seconds=3600)
    verifier = verifier_of(
        opaque_issuer(introspection), cache=CacheBounds(max_tokens=2, max_age_seconds=60)
    )
    for token in (b"a", b"b", b"c"):
        await verifier.verify(token)
    assert [verifier.verify_warm(token) is None for token in (b"a", b"b", b"c")] == [
        True,
        False,
        False,
    ]
    clock.advance(60)
    assert verifier.verify_warm(b"c") is None
