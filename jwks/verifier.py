"""Whether a token is good, for as many issuers as the settings name.

Rules, in order:

1. A token above the size limit is refused before it is even hashed.
2. One that was verified before and still is good is answered from memory.
3. It is taken apart; of its claims only `iss` is used, to find the issuer's entry by exact string.
   Keys of different issuers never meet.
4. Without keys in hand, or when the token names a key that the set does not know, the issuer is
   asked again, if its keeper allows that now. A token of an algorithm that the issuer does not use
   asks for nothing.
5. Everything else is for `verify_token` to decide; what passes is remembered.

`verify_warm` is the same without step 4: it never waits. SEC-16, SEC-19, SEC-24 and SEC-27 hang on
this order.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from gatepass.jwks.cache import TokenCache
from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.jwks.errors import ConfigurationError, KeySourceUnavailable, TokenFault, TokenRefused
from gatepass.jwks.faults import KeyFault, KeyRemark
from gatepass.jwks.header import HeaderCache
from gatepass.jwks.keeper import DEFAULT_FRESHNESS, Freshness, Keeper, Loaded
from gatepass.jwks.keyset import KeySet
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.source import KeySource
from gatepass.jwks.token import UnverifiedToken, VerifiedToken, parse_token, verify_token

DEFAULT_MAX_CACHED_TOKENS = 10_000


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who may issue tokens: the rules for them, and where the keys come from and how often."""

    rules: IssuerRules
    source: KeySource
    freshness: Freshness = DEFAULT_FRESHNESS


@dataclass(frozen=True, slots=True)
class IssuerStatus:
    """What an operator should know about one issuer's keys.

    `key_ids` are those of the usable keys in hand, empty when there are none or they are too old;
    `age_seconds` is None before the first success, `last_error` None after a success.
    """

    issuer: str
    key_ids: tuple[str | None, ...]
    skipped: Mapping[KeyFault, int]
    remarks: Mapping[KeyRemark, int]
    age_seconds: float | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class _Trust:
    rules: IssuerRules
    keeper: Keeper


class Verifier:
    """Verifies tokens of the given issuers. Belongs to one event loop; not thread-safe.

    `max_cached_tokens` bounds how many verified tokens are remembered.

    Raises:
        ConfigurationError: naming everything that can only be wrong.

    """

    def __init__(
        self,
        issuers: Sequence[Issuer],
        *,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits = DEFAULT_LIMITS,
        max_cached_tokens: int = DEFAULT_MAX_CACHED_TOKENS,
    ) -> None:
        _check(issuers, max_cached_tokens)
        self._clock = clock
        self._limits = limits
        self._max_token_bytes = limits.max_token_bytes
        self._allow_padding = any(issuer.rules.allow_padding for issuer in issuers)
        self._headers = HeaderCache()
        self._cache = TokenCache(clock, max_cached_tokens)
        self._trusted = {
            issuer.rules.issuer: _Trust(
                issuer.rules,
                Keeper(
                    issuer.rules.issuer,
                    issuer.source,
                    clock=clock,
                    freshness=issuer.freshness,
                    limits=limits,
                ),
            )
            for issuer in issuers
        }

    def inherit(self, other: "Verifier") -> None:
        """Begin with the keys of another verifier, for the issuers whose keys come from one place.

        So new settings do not make an issuer's tokens unverifiable while that issuer is away.
        """
        for issuer, trust in self._trusted.items():
            trust.keeper.inherit(other.loaded(issuer))

    def loaded(self, issuer: str) -> Loaded | None:
        """Return what was loaded last for an issuer, None for nothing or for a stranger."""
        trust = self._trusted.get(issuer)
        return None if trust is None else trust.keeper.loaded

    async def start(self) -> None:
        """Load the keys of every issuer once and keep them fresh until `close`.

        Failures do not raise: they show in `status` and are retried. Without `start` the keys of
        an issuer are loaded when its first token comes.
        """
        await asyncio.gather(*(trust.keeper.refresh() for trust in self._trusted.values()))

    async def close(self) -> None:
        """Stop all loads; keys in hand go on to serve until they are too old."""
        await asyncio.gather(*(trust.keeper.close() for trust in self._trusted.values()))

    def verify_warm(self, token: bytes) -> VerifiedToken | None:
        """Return the token as verified, or None when the issuer would have to be asked first.

        Raises:
            TokenRefused: when no newer keys could change that.

        """
        digest = self._digest(token)
        verified = self._cache.recall(digest)
        if verified is not None:
            return verified
        parsed, trust = self._read(token)
        key_set = self._sufficient_keys(parsed, trust)
        return None if key_set is None else self._verified(parsed, trust, key_set, digest)

    async def verify(self, token: bytes) -> VerifiedToken:
        """Return the token as verified; waits for one load of the issuer's keys at most.

        Raises:
            TokenRefused: the token is not good.
            KeySourceUnavailable: there are no keys to tell by.

        """
        digest = self._digest(token)
        verified = self._cache.recall(digest)
        if verified is not None:
            return verified
        parsed, trust = self._read(token)
        key_set = self._sufficient_keys(parsed, trust)
        if key_set is None:
            await trust.keeper.refresh()
            key_set = trust.keeper.current(self._clock.monotonic())
            if key_set is None:
                raise KeySourceUnavailable(trust.keeper.last_error or "keys too old")
        return self._verified(parsed, trust, key_set, digest)

    @property
    def ready(self) -> bool:
        """Return whether every issuer has usable keys in hand."""
        now = self._clock.monotonic()
        current = (trust.keeper.current(now) for trust in self._trusted.values())
        return all(key_set is not None and key_set.keys for key_set in current)

    def status(self) -> Sequence[IssuerStatus]:
        """Return what there is to know about the keys of each issuer."""
        now = self._clock.monotonic()
        return [_status(issuer, trust.keeper, now) for issuer, trust in self._trusted.items()]

    def _digest(self, token: bytes) -> bytes:
        if len(token) > self._max_token_bytes:
            raise TokenRefused(TokenFault.TOO_LARGE)
        return sha256(token).digest()

    def _read(self, token: bytes) -> tuple[UnverifiedToken, _Trust]:
        parsed = parse_token(
            token, self._limits, allow_padding=self._allow_padding, headers=self._headers
        )
        trust = self._trusted.get(parsed.claimed_issuer)
        if trust is None:
            raise TokenRefused(TokenFault.BAD_ISSUER)
        return parsed, trust

    def _sufficient_keys(self, parsed: UnverifiedToken, trust: _Trust) -> KeySet | None:
        """Return the keys to judge the token by, None when newer ones are needed and may be had."""
        now = self._clock.monotonic()
        key_set = trust.keeper.current(now)
        if key_set is None or key_set.names(parsed.kid):
            return key_set
        may_help = parsed.jws.header.algorithm in trust.rules.algorithms
        return None if may_help and trust.keeper.may_refresh(now) else key_set

    def _verified(
        self, parsed: UnverifiedToken, trust: _Trust, key_set: KeySet, digest: bytes
    ) -> VerifiedToken:
        verified = verify_token(parsed, trust.rules, key_set, self._clock.wall(), digest)
        self._cache.remember(verified, trust.keeper, trust.rules.leeway_seconds)
        return verified


def _check(issuers: Sequence[Issuer], max_cached_tokens: int) -> None:
    problems = []
    if not issuers:
        problems.append("issuers: name at least one")
    names = [issuer.rules.issuer for issuer in issuers]
    problems += [
        f"issuers[{place}].issuer: the same as issuers[{names.index(name)}].issuer"
        for place, name in enumerate(names)
        if names.index(name) < place
    ]
    if max_cached_tokens < 1:
        problems.append("max_cached_tokens: must be positive")
    if problems:
        raise ConfigurationError(problems)


def _status(issuer: str, keeper: Keeper, now: float) -> IssuerStatus:
    key_set = keeper.current(now)
    return IssuerStatus(
        issuer=issuer,
        key_ids=() if key_set is None else tuple(key.kid for key in key_set.keys),
        skipped={} if key_set is None else key_set.skipped,
        remarks={} if key_set is None else key_set.remarks,
        age_seconds=keeper.age_seconds(),
        last_error=keeper.last_error,
    )
