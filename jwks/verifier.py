"""Whether a token is good, for as many issuers as the settings name.

Rules, in order:

1. A token above the size limit is refused before it is even hashed.
2. One that was verified before and still is good is answered from memory.
3. An opaque one is for the introspector of its issuer (opaque.py), and no JWT is.
4. It is taken apart; of its claims only `iss` is used, to find the issuer's entry by exact string,
   then among the entries that stand for many tenants. Keys of different entries never meet.
5. Without keys in hand, or when the token names a key that the set does not know, the issuer is
   asked again, if its keeper allows that now. A token of an algorithm that the issuer does not use
   asks for nothing.
6. Everything else is for `verify_token` to decide; what passes is remembered.

`verify_warm` is the same but asks nobody: it never waits. SEC-16, SEC-19, SEC-24 and SEC-27 hang on
this order.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from gatepass.jwks.cache import DEFAULT_CACHE_BOUNDS, CacheBounds, TokenCache
from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.jwks.errors import KeySourceUnavailable, TokenFault, TokenRefused
from gatepass.jwks.header import HeaderCache
from gatepass.jwks.introspection import IntrospectionStatus
from gatepass.jwks.introspector import Introspector
from gatepass.jwks.issuer import Issuer, check_issuers
from gatepass.jwks.keeper import Keeper, Loaded
from gatepass.jwks.keyset import KeySet
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits
from gatepass.jwks.opaque import OpaqueTokens
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.status import IssuerStatus, issuer_status
from gatepass.jwks.tenants import accepted_tenant
from gatepass.jwks.token import UnverifiedToken, VerifiedToken, parse_token, verify_token


@dataclass(frozen=True, slots=True)
class _Trust:
    rules: IssuerRules
    keeper: Keeper


class Verifier:
    """Verifies tokens of the given issuers. Belongs to one event loop; not thread-safe.

    `cache` bounds how many verified tokens are remembered, and for how long.

    Raises:
        ConfigurationError: naming everything that can only be wrong.

    """

    def __init__(
        self,
        issuers: Sequence[Issuer],
        *,
        clock: Clock = SYSTEM_CLOCK,
        limits: Limits = DEFAULT_LIMITS,
        cache: CacheBounds = DEFAULT_CACHE_BOUNDS,
    ) -> None:
        check_issuers(issuers)
        self._clock = clock
        self._limits = limits
        self._max_token_bytes = limits.max_token_bytes
        self._allow_padding = any(issuer.rules.allow_padding for issuer in issuers)
        self._headers = HeaderCache()
        self._cache = TokenCache(clock, cache)
        self._trusted = {
            issuer.rules.issuer: _Trust(
                issuer.rules,
                Keeper(
                    issuer.rules.issuer,
                    issuer.source,
                    clock=clock,
                    freshness=issuer.freshness,
                    limits=limits,
                    folder=issuer.keys_folder,
                ),
            )
            for issuer in issuers
            if issuer.source is not None
        }
        self._introspectors = {
            issuer.introspection.token_prefix: Introspector(
                issuer.rules,
                issuer.introspection,
                issuer.freshness,
                clock=clock,
                limits=limits,
                cache=self._cache,
            )
            for issuer in issuers
            if issuer.introspection is not None
        }
        self._opaque = OpaqueTokens(self._introspectors)
        self._templated = [trust for trust in self._trusted.values() if trust.rules.templated]

    def inherit(self, other: "Verifier") -> None:
        """Take over keys of another verifier that come from the same place and are newer.

        Answers about opaque tokens are taken over where they were judged by the same settings, and
        where the prefixes that say whose they are, all of them, are the same.

        So new settings do not make an issuer's tokens unverifiable while that issuer is away.
        """
        for issuer, trust in self._trusted.items():
            trust.keeper.inherit(other.loaded(issuer))
        before = other.introspectors
        if before.keys() == self._introspectors.keys():
            for prefix, introspector in self._introspectors.items():
                introspector.inherit(before[prefix])

    def loaded(self, issuer: str) -> Loaded | None:
        """Return what was loaded last for an issuer, None for nothing or for a stranger."""
        trust = self._trusted.get(issuer)
        return None if trust is None else trust.keeper.loaded

    @property
    def introspectors(self) -> Mapping[str, Introspector]:
        """Return who asks about opaque tokens, by what these begin with."""
        return self._introspectors

    async def start(self) -> None:
        """Load the keys of every issuer once and keep them fresh until `close`.

        Failures do not raise: they show in `status` and are retried. Without `start` the keys of
        an issuer are loaded when its first token comes.
        """
        await asyncio.gather(
            *(trust.keeper.refresh() for trust in self._trusted.values()),
            *(introspector.start() for introspector in self._introspectors.values()),
        )

    async def retire(self) -> None:
        """Ask issuers nothing any more, and wait for what tokens may be waiting for."""
        await asyncio.gather(
            *(trust.keeper.retire() for trust in self._trusted.values()),
            *(introspector.retire() for introspector in self._introspectors.values()),
        )

    async def close(self) -> None:
        """Stop all loads and questions; keys in hand go on to serve until they are too old."""
        await asyncio.gather(
            *(trust.keeper.close() for trust in self._trusted.values()),
            *(introspector.close() for introspector in self._introspectors.values()),
        )

    def verify_warm(self, token: bytes) -> VerifiedToken | None:
        """Return the token as verified, or None when the issuer would have to be asked first.

        Raises:
            TokenRefused: when no newer keys could change that.
            IntrospectionUnavailable: its issuer had no answer for this token lately.

        """
        if len(token) > self._max_token_bytes:
            raise TokenRefused(TokenFault.TOO_LARGE)
        digest = sha256(token).digest()
        verified = self._cache.recall(digest)
        if verified is not None:
            return verified
        introspector = self._opaque.owner(token)
        if introspector is not None:
            introspector.check_unusable(token, digest)
            return None
        parsed, trust = self._read(token)
        key_set = self._sufficient_keys(parsed, trust)
        return None if key_set is None else self._verified(parsed, trust, key_set, digest)

    async def verify(self, token: bytes) -> VerifiedToken:
        """Return the token as verified; waits for one load of keys or one question at most.

        Raises:
            TokenRefused: the token is not good.
            KeySourceUnavailable: there are no keys to tell by.
            IntrospectionUnavailable: the issuer does not tell.

        """
        verified = self.verify_warm(token)
        if verified is not None:
            return verified
        introspector = self._opaque.owner(token)
        if introspector is not None:
            return await introspector.verify(token, sha256(token).digest())
        parsed, trust = self._read(token)
        if trust.keeper.crowded:
            raise KeySourceUnavailable("too many wait")
        await trust.keeper.refresh(parsed.kid)
        key_set = trust.keeper.usable(self._clock.monotonic())
        if key_set is None:
            raise KeySourceUnavailable(trust.keeper.last_error or "keys too old")
        return self._verified(parsed, trust, key_set, sha256(token).digest())

    @property
    def ready(self) -> bool:
        """Return whether every issuer that has keys has usable ones in hand."""
        now = self._clock.monotonic()
        usable = (trust.keeper.usable(now) for trust in self._trusted.values())
        return all(key_set is not None and key_set.keys for key_set in usable)

    def status(self) -> Sequence[IssuerStatus]:
        """Return what there is to know about the keys of each issuer."""
        return [
            issuer_status(issuer, trust.keeper, self._clock)
            for issuer, trust in self._trusted.items()
        ]

    def introspections(self) -> Sequence[IntrospectionStatus]:
        """Return how asking about opaque tokens goes, for each issuer that is asked."""
        return [introspector.status() for introspector in self._introspectors.values()]

    def _read(self, token: bytes) -> tuple[UnverifiedToken, _Trust]:
        parsed = parse_token(
            token, self._limits, allow_padding=self._allow_padding, headers=self._headers
        )
        trust = self._trusted.get(parsed.claimed_issuer)
        if trust is None:
            trust = self._trust_in_tenant(parsed.claimed_issuer)
        return parsed, trust

    def _trust_in_tenant(self, issuer: str) -> _Trust:
        for trust in self._templated:
            if accepted_tenant(issuer, trust.rules) is not None:
                return trust
        raise TokenRefused(TokenFault.BAD_ISSUER)

    def _sufficient_keys(self, parsed: UnverifiedToken, trust: _Trust) -> KeySet | None:
        """Return the keys to judge the token by, None when newer ones are needed and may be had."""
        now = self._clock.monotonic()
        key_set, kid = trust.keeper.current(now), parsed.kid
        if key_set is None or kid is None or key_set.names(kid):
            return key_set
        may_help = parsed.jws.header.algorithm in trust.rules.algorithms
        return None if may_help and trust.keeper.may_look_for(kid, now) else key_set

    def _verified(
        self, parsed: UnverifiedToken, trust: _Trust, key_set: KeySet, digest: bytes
    ) -> VerifiedToken:
        verified = verify_token(parsed, trust.rules, key_set, self._clock.wall(), digest)
        self._cache.remember(verified, trust.keeper, trust.rules.leeway_seconds)
        return verified
