"""Keeps the key set of one issuer fresh, and never makes a good token wait for it.

Rules, in order:

1. The set in hand serves until `max_stale_seconds` after the last success, whatever happens
   meanwhile; then it is gone (SEC-26). Age runs on the monotonic clock, from before the load.
2. One load at a time; who needs it waits for the one under way (SEC-24). A caller that gives up
   does not take the load with it.
3. Between the end of an attempt, good or bad, and the next one that a token asks for lie at least
   `min_refetch_seconds` (SEC-24, SEC-25).
4. After a success the next load follows in `refresh_seconds`; after failures sooner, with the wait
   doubling each time. No failure ends this.
5. A document that did not change keeps the key set object, and with it all verdicts that hang on
   it; one that changed replaces it, and a withdrawn key is gone at once.

Verification with keys in hand touches none of this: `current` is a comparison (SEC-27).
"""

import asyncio
import logging
import math
from dataclasses import dataclass
from itertools import chain

from gatepass.jwks.clock import Clock
from gatepass.jwks.errors import ConfigurationError, KeySourceUnavailable
from gatepass.jwks.faults import KeyFault
from gatepass.jwks.keyset import KeySet, parse_key_set
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits
from gatepass.jwks.source import KeySource

_log = logging.getLogger(__name__)

_MAX_DOUBLINGS = 20
# Many issuers publish keys for encryption in the same set.
_ORDINARY = frozenset({KeyFault.NOT_FOR_SIGNATURES, KeyFault.UNSUPPORTED})
NEVER_TRIED = "not loaded yet"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How often keys are loaded and how old they may get.

    Raises:
        ConfigurationError: naming everything that can only be wrong.

    """

    refresh_seconds: float = 300.0
    min_refetch_seconds: float = 1.0
    max_stale_seconds: float = 3600.0

    def __post_init__(self) -> None:
        problems = []
        if not self.min_refetch_seconds > 0:
            problems.append("min_refetch: must be positive")
        if not self.min_refetch_seconds <= self.refresh_seconds:
            problems.append("refresh: must not be shorter than min_refetch")
        if not self.refresh_seconds <= self.max_stale_seconds < math.inf:
            problems.append("max_stale: must not be shorter than refresh")
        if problems:
            raise ConfigurationError(problems)


DEFAULT_FRESHNESS = Freshness()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A key set with the place it came from; `began` is the load's start on the monotonic clock."""

    source: KeySource
    document: bytes
    key_set: KeySet
    began: float


class Keeper:
    """The current keys of one issuer. Belongs to the event loop that first awaits it.

    The first load happens at the first `refresh`; from then on a timer runs until `close`.
    """

    def __init__(
        self,
        issuer: str,
        source: KeySource,
        *,
        clock: Clock,
        freshness: Freshness = DEFAULT_FRESHNESS,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._issuer = issuer
        self._source = source
        self._clock = clock
        self._freshness = freshness
        self._limits = limits
        self._document = b""
        self._key_set: KeySet | None = None
        self._loaded_at = -math.inf
        self._usable_until = -math.inf
        self._attempted_at = -math.inf
        self._failures = 0
        self._last_error: str | None = NEVER_TRIED
        self._load: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def last_error(self) -> str | None:
        """Return the fixed words for what the last attempt failed of, None after a success."""
        return self._last_error

    def age_seconds(self) -> float | None:
        """Return how long ago the last good load began, None before there was one."""
        if self._key_set is None:
            return None
        return self._clock.monotonic() - self._loaded_at

    def current(self, now: float) -> KeySet | None:
        """Return the keys that may be used at this monotonic time, None when there are none."""
        return self._key_set if now <= self._usable_until else None

    def may_refresh(self, now: float) -> bool:
        """Return whether `refresh` would wait for a load rather than return at once."""
        if self._closed or (self._source.fixed and self._key_set is not None):
            return False
        loading = self._load is not None and not self._load.done()
        return loading or now >= self._attempted_at + self._freshness.min_refetch_seconds

    async def refresh(self) -> None:
        """Load the keys, or wait for the load under way; within the cool-down do nothing.

        Raises nothing: what went wrong is kept in `last_error`.
        """
        if self.may_refresh(self._clock.monotonic()):
            # unlike awaiting the task itself, this leaves it alone when the caller is cancelled
            await asyncio.wait({self._begin_load()})

    @property
    def loaded(self) -> Loaded | None:
        """Return what was loaded last, None before the first success."""
        if self._key_set is None:
            return None
        return Loaded(self._source, self._document, self._key_set, self._loaded_at)

    def inherit(self, loaded: Loaded | None) -> None:
        """Begin with what another keeper loaded from the same place, as old as it is."""
        if loaded is not None and loaded.source == self._source:
            self._keep(loaded.document, loaded.key_set, loaded.began)

    async def close(self) -> None:
        """Stop the timer and the load under way; the keys in hand stay usable until too old."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._load is not None and not self._load.done():
            self._load.cancel()
            await asyncio.wait({self._load})

    def _begin_load(self) -> asyncio.Task[None]:
        if self._load is None or self._load.done():
            self._load = asyncio.create_task(self._load_once())
        return self._load

    async def _load_once(self) -> None:
        began = self._clock.monotonic()
        try:
            document = await self._source.load()
            key_set = self._parsed(document)
        except KeySourceUnavailable as failure:
            self._failed(failure.detail)
        except Exception as bug:  # noqa: BLE001 - outermost here: the timer must outlive our bugs
            _log.error("issuer %s: %s while loading keys", self._issuer, type(bug).__name__)
            self._failed("internal error")
        else:
            self._succeeded(document, key_set, began)
        self._attempted_at = self._clock.monotonic()
        self._schedule()

    def _parsed(self, document: bytes) -> KeySet:
        if self._key_set is not None and document == self._document:
            return self._key_set
        return parse_key_set(document, self._limits)

    def _succeeded(self, document: bytes, key_set: KeySet, began: float) -> None:
        if key_set is not self._key_set:
            self._report(key_set)
        self._keep(document, key_set, began)
        self._failures = 0
        self._last_error = None

    def _report(self, key_set: KeySet) -> None:
        for oddity, count in chain(key_set.skipped.items(), key_set.remarks.items()):
            if oddity not in _ORDINARY:
                _log.warning(
                    "issuer %s: keys in its set that are %s: %d", self._issuer, oddity, count
                )

    def _keep(self, document: bytes, key_set: KeySet, began: float) -> None:
        self._document = document
        self._key_set = key_set
        self._loaded_at = began
        lifetime = math.inf if self._source.fixed else self._freshness.max_stale_seconds
        self._usable_until = began + lifetime

    def _failed(self, detail: str) -> None:
        self._failures += 1
        if detail != self._last_error:
            _log.warning("issuer %s: keys not loaded: %s", self._issuer, detail)
        self._last_error = detail

    def _schedule(self) -> None:
        """Set the timer for the next load; the one that is set already is replaced."""
        if self._timer is not None:
            self._timer.cancel()
        if self._closed or self._source.fixed:
            return
        delay = self._freshness.refresh_seconds
        if self._failures:
            doublings = min(self._failures, _MAX_DOUBLINGS)
            delay = min(delay, self._freshness.min_refetch_seconds * 2**doublings)
        self._timer = asyncio.get_running_loop().call_later(delay, self._begin_load)
