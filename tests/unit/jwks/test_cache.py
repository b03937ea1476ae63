from hashlib import sha256

import pytest

from gatepass.jwks.cache import TokenCache
from gatepass.jwks.keeper import Freshness, Keeper
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.token import VerifiedToken, parse_token, verify_token
from support.clock import ManualClock
from support.key_source import ScriptedSource
from support.tokens import AUDIENCE, ISSUER, key_set, signing_key

KEY = signing_key("ES256", "key-1")
RULES = IssuerRules(ISSUER, frozenset({AUDIENCE}), frozenset({"ES256"}), leeway_seconds=10)
NOW = 1_800_000_000.0
FRESHNESS = Freshness(refresh_seconds=300, min_refetch_seconds=1, max_stale_seconds=3600)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(wall=NOW)


@pytest.fixture
def source() -> ScriptedSource:
    return ScriptedSource(key_set(KEY))


@pytest.fixture
async def keeper(clock: ManualClock, source: ScriptedSource) -> Keeper:
    keeper = Keeper(ISSUER, source, clock=clock, freshness=FRESHNESS)
    await keeper.refresh()
    return keeper


def verified(keeper: Keeper, clock: ManualClock, *, seconds: float = 300) -> VerifiedToken:
    claims = {"exp": int(clock.wall() + seconds), "nbf": None, "iat": None}
    token = KEY.token(claims)
    keys = keeper.current(clock.monotonic())
    assert keys is not None
    parsed = parse_token(token, DEFAULT_LIMITS)
    return verify_token(parsed, RULES, keys, clock.wall(), sha256(token).digest())


async def test_a_token_is_found_again_by_its_digest(keeper: Keeper, clock: ManualClock) -> None:
    cache = TokenCache(clock, 10)
    token = verified(keeper, clock)
    assert cache.recall(token.digest) is None
    cache.remember(token, keeper, 10)
    assert cache.recall(token.digest) is token
    assert cache.recall(token.digest[:20]) is None
    assert len(cache) == 1


async def test_sec_50_a_verdict_ends_with_the_token(keeper: Keeper, clock: ManualClock) -> None:
    cache = TokenCache(clock, 10)
    token = verified(keeper, clock, seconds=300)
    cache.remember(token, keeper, 10)
    clock.advance(309.5)
    assert cache.recall(token.digest) is token
    clock.advance(0.5)
    assert cache.recall(token.digest) is None
    assert len(cache) == 0


async def test_sec_66_setting_the_wall_clock_back_extends_nothing(
    keeper: Keeper, clock: ManualClock
) -> None:
    cache = TokenCache(clock, 10)
    token = verified(keeper, clock, seconds=300)
    cache.remember(token, keeper, 10)
    clock.advance(200)
    clock.jump_wall(-200)
    assert cache.recall(token.digest) is token
    clock.advance(110)
    assert cache.recall(token.digest) is None


async def test_sec_66_setting_the_wall_clock_forward_ends_it_at_once(
    keeper: Keeper, clock: ManualClock
) -> None:
    cache = TokenCache(clock, 10)
    token = verified(keeper, clock, seconds=300)
    cache.remember(token, keeper, 10)
    clock.jump_wall(310)
    assert cache.recall(token.digest) is None


async def test_sec_50_a_verdict_ends_with_the_key_set(
    keeper: Keeper, clock: ManualClock, source: ScriptedSource
) -> None:
    cache = TokenCache(clock, 10)
    token = verified(keeper, clock)
    cache.remember(token, keeper, 10)
    clock.advance(1)
    await keeper.refresh()
    assert cache.recall(token.digest) is token  # the same document
    source.answer = key_set(KEY, signing_key("ES256", "key-2"))
    clock.advance(1)
    await keeper.refresh()
    assert cache.recall(token.digest) is None
    assert len(cache) == 0


async def test_sec_26_a_verdict_ends_with_the_lifetime_of_the_keys(
    keeper: Keeper, clock: ManualClock
) -> None:
    cache = TokenCache(clock, 10)
    token = verified(keeper, clock, seconds=90_000)
    cache.remember(token, keeper, 10)
    clock.advance(3600)
    assert cache.recall(token.digest) is token
    clock.advance(1)
    assert cache.recall(token.digest) is None


async def test_the_oldest_goes_when_the_cache_is_full(keeper: Keeper, clock: ManualClock) -> None:
    cache = TokenCache(clock, 3)
    tokens = [verified(keeper, clock, seconds=300 + extra) for extra in range(5)]
    for token in tokens:
        cache.remember(token, keeper, 10)
    assert [cache.recall(token.digest) for token in tokens] == [None, None, *tokens[2:]]
    assert len(cache) == 3


async def test_expired_entries_leave_before_the_cache_is_full(
    keeper: Keeper, clock: ManualClock
) -> None:
    cache = TokenCache(clock, 100)
    for extra in range(10):
        cache.remember(verified(keeper, clock, seconds=10 + extra), keeper, 10)
    clock.advance(25)
    cache.remember(verified(keeper, clock), keeper, 10)
    assert len(cache) == 5


async def test_a_token_verified_again_takes_one_place(keeper: Keeper, clock: ManualClock) -> None:
    cache = TokenCache(clock, 2)
    first, other = verified(keeper, clock, seconds=300), verified(keeper, clock, seconds=301)
    for token in (first, other, other):
        cache.remember(token, keeper, 10)
    assert [cache.recall(token.digest) for token in (first, other)] == [first, other]
    cache.remember(first, keeper, 10)
    cache.remember(verified(keeper, clock, seconds=302), keeper, 10)
    assert [cache.recall(token.digest) for token in (first, other)] == [first, None]
