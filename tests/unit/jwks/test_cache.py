import sys
from dataclasses import replace
from hashlib import sha256

import pytest

from gatepass.jwks.cache import ENTRY_BYTES, CacheBounds, TokenCache, entry_bytes
from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.freshness import Freshness
from gatepass.jwks.keeper import Keeper
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.token import VerifiedToken, parse_token, verify_token
from support.clock import ManualClock
from support.key_source import ScriptedSource
from support.tokens import AUDIENCE, ISSUER, key_set, signing_key

KEY = signing_key("ES256", "key-1")
RULES = IssuerRules(ISSUER, frozenset({AUDIENCE}), frozenset({"ES256"}), leeway_seconds=10)
NOW = 1_800_000_000.0
BOUNDS = CacheBounds(max_tokens=10, max_bytes=100_000, max_age_seconds=100_000)
FRESHNESS = Freshness(refresh_seconds=3600, min_refetch_seconds=1, max_stale_seconds=3600)


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


def verified(
    keeper: Keeper, clock: ManualClock, *, seconds: float = 300, subject: str = "user-1"
) -> VerifiedToken:
    claims = {"sub": subject, "exp": int(clock.wall() + seconds), "nbf": None, "iat": None}
    token = KEY.token(claims)
    keys = keeper.current(clock.monotonic())
    assert keys is not None
    parsed = parse_token(token, DEFAULT_LIMITS)
    return verify_token(parsed, RULES, keys, clock.wall(), sha256(token).digest())


async def test_a_token_is_found_again_by_its_digest(keeper: Keeper, clock: ManualClock) -> None:
    cache = TokenCache(clock, BOUNDS)
    token = verified(keeper, clock)
    assert cache.recall(token.digest) is None
    cache.remember(token, keeper, 10)
    assert cache.recall(token.digest) is token
    assert cache.recall(token.digest[:20]) is None
    assert len(cache) == 1


async def test_sec_50_a_verdict_ends_with_the_token(keeper: Keeper, clock: ManualClock) -> None:
    cache = TokenCache(clock, BOUNDS)
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
    cache = TokenCache(clock, BOUNDS)
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
    cache = TokenCache(clock, BOUNDS)
    token = verified(keeper, clock, seconds=300)
    cache.remember(token, keeper, 10)
    clock.jump_wall(310)
    assert cache.recall(token.digest) is None


async def test_sec_50_a_verdict_ends_with_the_key_set(
    keeper: Keeper, clock: ManualClock, source: ScriptedSource
) -> None:
    cache = TokenCache(clock, BOUNDS)
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
    cache = TokenCache(clock, BOUNDS)
    token = verified(keeper, clock, seconds=90_000)
    cache.remember(token, keeper, 10)
    clock.advance(3600)
    assert cache.recall(token.digest) is token
    clock.advance(1)
    assert cache.recall(token.digest) is None


async def test_a_verdict_is_kept_for_a_configured_age_at_most(
    keeper: Keeper, clock: ManualClock
) -> None:
    cache = TokenCache(clock, replace(BOUNDS, max_age_seconds=60))
    token = verified(keeper, clock, seconds=300)
    cache.remember(token, keeper, 10)
    clock.advance(59.5)
    assert cache.recall(token.digest) is token  # being used makes it no younger
    clock.advance(0.5)
    assert cache.recall(token.digest) is None
    short = verified(keeper, clock, seconds=20)
    cache.remember(short, keeper, 10)
    clock.advance(30)
    assert cache.recall(short.digest) is None


async def test_the_one_that_was_not_used_for_the_longest_time_goes_when_there_are_too_many(
    keeper: Keeper, clock: ManualClock
) -> None:
    cache = TokenCache(clock, replace(BOUNDS, max_tokens=3))
    tokens = [verified(keeper, clock, seconds=300 + extra) for extra in range(4)]
    for token in tokens[:3]:
        cache.remember(token, keeper, 10)
    assert cache.recall(tokens[0].digest) is tokens[0]
    cache.remember(tokens[3], keeper, 10)
    found = [cache.recall(token.digest) for token in tokens]
    assert found == [tokens[0], None, tokens[2], tokens[3]]
    assert len(cache) == 3


async def test_the_one_that_was_not_used_for_the_longest_time_goes_when_they_take_too_much(
    keeper: Keeper, clock: ManualClock
) -> None:
    tokens = [verified(keeper, clock, seconds=300 + extra) for extra in range(4)]
    size = entry_bytes(tokens[0])
    cache = TokenCache(clock, replace(BOUNDS, max_bytes=3 * size))
    for token in tokens[:3]:
        cache.remember(token, keeper, 10)
    assert (len(cache), cache.size_bytes) == (3, 3 * size)
    assert cache.recall(tokens[0].digest) is tokens[0]
    cache.remember(tokens[3], keeper, 10)
    found = [cache.recall(token.digest) for token in tokens]
    assert found == [tokens[0], None, tokens[2], tokens[3]]
    assert (len(cache), cache.size_bytes) == (3, 3 * size)


async def test_a_token_that_alone_takes_too_much_is_not_kept(
    keeper: Keeper, clock: ManualClock
) -> None:
    token = verified(keeper, clock)
    size = entry_bytes(token)
    for max_bytes, kept in ((size, 1), (size - 1, 0)):
        cache = TokenCache(clock, replace(BOUNDS, max_bytes=max_bytes))
        cache.remember(token, keeper, 10)
        assert (len(cache), cache.size_bytes) == (kept, kept * size)


async def test_what_is_forgotten_takes_nothing(keeper: Keeper, clock: ManualClock) -> None:
    cache = TokenCache(clock, BOUNDS)
    token = verified(keeper, clock)
    for _ in range(3):
        cache.remember(token, keeper, 10)
    assert cache.size_bytes == entry_bytes(token)
    clock.advance(400)
    assert cache.recall(token.digest) is None
    assert (len(cache), cache.size_bytes) == (0, 0)


async def test_sec_49_long_names_count_like_the_payload(keeper: Keeper, clock: ManualClock) -> None:
    token = verified(keeper, clock, subject="\U0001f600" * 200)
    names = 4 * (len(ISSUER) + 200)
    assert entry_bytes(token) == ENTRY_BYTES + len(token.payload) + names
    assert sys.getsizeof(token.subject) <= ENTRY_BYTES + names


def test_impossible_bounds_are_all_named() -> None:
    with pytest.raises(ConfigurationError) as refused:
        CacheBounds(max_tokens=0, max_bytes=-1, max_age_seconds=float("nan"))
    assert refused.value.problems == (
        "max_tokens: must be positive",
        "max_bytes: must be positive",
        "max_age: must be positive",
    )


async def test_expired_entries_leave_before_the_cache_is_full(
    keeper: Keeper, clock: ManualClock
) -> None:
    cache = TokenCache(clock, BOUNDS)
    for extra in range(10):
        cache.remember(verified(keeper, clock, seconds=10 + extra), keeper, 10)
    clock.advance(25)
    cache.remember(verified(keeper, clock), keeper, 10)
    assert len(cache) == 5


async def test_a_token_verified_again_takes_one_place(keeper: Keeper, clock: ManualClock) -> None:
    cache = TokenCache(clock, replace(BOUNDS, max_tokens=2))
    first, other = verified(keeper, clock, seconds=300), verified(keeper, clock, seconds=301)
    for token in (first, other, other):
        cache.remember(token, keeper, 10)
    assert [cache.recall(token.digest) for token in (first, other)] == [first, other]
    cache.remember(first, keeper, 10)
    cache.remember(verified(keeper, clock, seconds=302), keeper, 10)
    assert [cache.recall(token.digest) for token in (first, other)] == [first, None]
