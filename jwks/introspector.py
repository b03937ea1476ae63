"""Opaque tokens: their issuer is asked whether they are good (RFC 7662), and remembered for a time.

Rules, in order:

1. A token that cannot be one (RFC 6750 section 2.1) is refused unasked.
2. One that was asked about in vain lately gets the same answer (unusable_tokens.py).
3. One question per token at a time; who needs the answer waits for the one under way. A caller that
   gives up does not take it along.
4. Questions keep to a pace (introspection_pace.py), in which tokens that were good lately come
   before others (active_tokens.py).
5. What passes is kept in the verifier's cache of tokens, by the SHA-256 of the whole token. Which
   issuer a token belongs to hangs on the token and the settings alone, and both the cache and this
   memory belong to one generation of these, so nothing that an answer depended on is missing from
   its key (SEC-50). It ends with the token, and `cache_seconds` after it was asked for. The next
   generation takes over the answers of an issuer for which it has the very same settings, if all
   prefixes are the same: a reload must not have all tokens asked about at once.

So a token that its issuer revokes passes for `cache_seconds` more, and no longer. `verify_warm` of
the verifier finds answers that are kept; it never asks. What the answer says is judged in
introspection_answer.py; a failure of any kind lets nothing pass.
"""

import asyncio
import logging
import math
import re
from collections.abc import Sequence
from typing import Final

from gatepass.jwks.active_tokens import ActiveTokens
from gatepass.jwks.cache import Entry, NoKeys, TokenCache
from gatepass.jwks.clock import Clock
from gatepass.jwks.errors import (
    IntrospectionUnavailable,
    KeySourceUnavailable,
    TokenFault,
    TokenRefused,
)
from gatepass.jwks.freshness import Freshness
from gatepass.jwks.introspection import Introspection, IntrospectionStatus
from gatepass.jwks.introspection_answer import read_answer
from gatepass.jwks.introspection_endpoint import KnownEndpoint
from gatepass.jwks.introspection_pace import Pace
from gatepass.jwks.introspection_request import ask_about
from gatepass.jwks.limits import Limits
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.token import VerifiedToken
from gatepass.jwks.unusable_tokens import UnusableTokens, Why

_log = logging.getLogger(__name__)

_TOKEN: Final = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
_STUMBLES: Final = frozenset(
    {"status", "redirect", "too large", "encoding", "not gzip", "no answer"}
)
"""Failures that one token can cause: other tokens are asked about all the same."""

QUIET_SECONDS: Final = 60.0
"""How long nothing more is said of a failure of the same kind."""


class Introspector:
    """Asks one issuer about tokens. Belongs to one event loop.

    `way` is all that a verdict hangs on beside the token and what the issuer answers.
    """

    def __init__(  # noqa: PLR0913 - what the verifier shares with it
        self,
        rules: IssuerRules,
        introspection: Introspection,
        freshness: Freshness,
        *,
        clock: Clock,
        limits: Limits,
        cache: TokenCache,
    ) -> None:
        self._rules = rules
        self._introspection = introspection
        self._clock = clock
        self._limits = limits
        self._cache = cache
        self._no_keys = NoKeys()  # of our own: it tells our answers from those of others
        self.way = rules, introspection
        self._unknown_seconds = freshness.min_refetch_seconds
        self._endpoint = KnownEndpoint(introspection.endpoint, clock, freshness)
        self._pace = Pace(introspection.max_per_second, introspection.max_in_flight, freshness)
        self._unusable = UnusableTokens()
        self._active = ActiveTokens()
        self._asking: dict[bytes, asyncio.Task[VerifiedToken | Why]] = {}
        self._said: dict[str, float] = {}
        self._closed = False
        self._asked = self._refused = self._unanswered = self._held_back = 0
        self._last_error: str | None = None

    async def start(self) -> None:
        """Import what questions are put together by, before a token waits for that."""
        await asyncio.to_thread(ask_about, b"-", self._introspection.client)

    def inherit(self, other: "Introspector") -> None:
        """Go on with the answers of another introspector that goes by the same settings."""
        if other.way == self.way:
            self._cache.inherit(other.answers(), self._no_keys)
            self._active = other.active

    @property
    def active(self) -> ActiveTokens:
        """Return which tokens were good lately; those who go by the same settings share it."""
        return self._active

    def answers(self) -> Sequence[Entry]:
        """Return the answers that are in memory."""
        return self._cache.entries(self._no_keys)

    def check_unusable(self, token: bytes, digest: bytes) -> None:
        """Let a token pass that the issuer may be asked about.

        Raises:
            TokenRefused: it is none, or was asked about in vain lately.
            IntrospectionUnavailable: lately the issuer had no answer for it.

        """
        if not _TOKEN.fullmatch(token):
            raise TokenRefused(TokenFault.MALFORMED)
        why = self._unusable.why(digest, self._clock.monotonic())
        if why is not None:
            raise _error(why)

    async def verify(self, token: bytes, digest: bytes) -> VerifiedToken:
        """Return the token as its issuer describes it; `check_unusable` let it pass just now.

        Raises:
            TokenRefused: the token is not good.
            IntrospectionUnavailable: nobody knows.

        """
        asking = self._asking.get(digest)
        if asking is None:
            asking = self._begin(token, digest)
        # unlike awaiting the task itself, this leaves it alone when the caller is cancelled
        await asyncio.wait({asking})
        if asking.cancelled():
            raise IntrospectionUnavailable("closed")
        outcome = asking.result()
        if isinstance(outcome, VerifiedToken):
            return outcome
        raise _error(outcome)

    def status(self) -> IntrospectionStatus:
        """Return how it goes."""
        return IntrospectionStatus(
            issuer=self._rules.issuer,
            asked=self._asked,
            refused=self._refused,
            unanswered=self._unanswered,
            held_back=self._held_back,
            in_flight=self._pace.in_flight,
            failures=self._pace.failures,
            last_error=self._last_error,
        )

    async def retire(self) -> None:
        """Ask nothing any more, and wait for the answers that requests are waiting for."""
        self._closed = True
        if self._asking:
            await asyncio.wait(self._asking.values())

    async def close(self) -> None:
        """Ask nothing any more, and give up what is under way."""
        for asking in self._asking.values():
            asking.cancel()
        await self._endpoint.close()
        await self.retire()

    def _begin(self, token: bytes, digest: bytes) -> "asyncio.Task[VerifiedToken | Why]":
        if self._closed:
            raise IntrospectionUnavailable("closed")
        held_back = self._pace.begin(self._clock.monotonic(), known=digest in self._active)
        if held_back is not None:
            self._held_back += 1
            self._say(held_back)
            raise IntrospectionUnavailable(held_back)
        self._asked += 1
        asking = asyncio.create_task(self._ask(token, digest))
        self._asking[digest] = asking
        asking.add_done_callback(lambda _: self._asking.pop(digest))
        asking.add_done_callback(lambda _: self._pace.end())
        return asking

    async def _ask(self, token: bytes, digest: bytes) -> VerifiedToken | Why:
        try:
            return await self._outcome(token, digest)
        except Exception as bug:  # noqa: BLE001 - outermost here: nobody may be waiting any more
            _log.error("issuer %s: %s while asking", self._rules.issuer, type(bug).__name__)
            return self._failed("internal error")

    async def _outcome(self, token: bytes, digest: bytes) -> VerifiedToken | Why:
        began = self._clock.monotonic()
        try:
            url = await self._endpoint.url()
        except KeySourceUnavailable as unknown:
            return self._failed(unknown.detail)  # whoever looks for it keeps a pace already
        form, headers = ask_about(token, self._introspection.client)
        try:
            answer = await self._introspection.fetcher.post(url, form, headers)
            verified = read_answer(answer, self._rules, self._limits, self._clock.wall(), digest)
        except TokenRefused as refusal:
            self._answered()
            self._refused += 1
            self._active.forget(digest)
            self._keep_out(digest, refusal.fault, self._introspection.refused_seconds)
            return refusal.fault
        except IntrospectionUnavailable as odd:
            return self._unanswered_for(digest, odd.detail)
        except KeySourceUnavailable as failure:
            if failure.detail in _STUMBLES:
                return self._unanswered_for(digest, failure.detail)
            self._pace.failed(self._clock.monotonic())
            return self._failed(failure.detail)
        self._answered()
        self._active.remember(digest)
        longest = began + self._introspection.cache_seconds - self._clock.monotonic()
        if longest > 0:
            self._cache.remember(verified, self._no_keys, 0, longest)
        return verified

    def _answered(self) -> None:
        self._pace.answered()
        self._last_error = None

    def _unanswered_for(self, digest: bytes, detail: str) -> str:
        """Note that the server answers, but with nothing that can be used for this token."""
        self._pace.stumbled(digest, self._clock.monotonic(), known=digest in self._active)
        self._keep_out(digest, detail, self._unknown_seconds)
        return self._failed(detail)

    def _failed(self, detail: str) -> str:
        self._unanswered += 1
        self._last_error = detail
        self._say(detail)
        return detail

    def _keep_out(self, digest: bytes, why: Why, seconds: float) -> None:
        self._unusable.remember(digest, why, self._clock.monotonic() + seconds)

    def _say(self, detail: str) -> None:
        """Say what goes wrong, each kind once in a while."""
        now = self._clock.monotonic()
        if now >= self._said.get(detail, -math.inf):
            self._said[detail] = now + QUIET_SECONDS
            _log.warning("issuer %s: opaque tokens not judged: %s", self._rules.issuer, detail)


def _error(why: Why) -> TokenRefused | IntrospectionUnavailable:
    return TokenRefused(why) if isinstance(why, TokenFault) else IntrospectionUnavailable(why)
