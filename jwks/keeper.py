"""Keeps the key set of one issuer fresh, and never makes a good token wait for it.

Rules, in order:

1. While the set in hand is fresh (`Freshness.lifetime`) it serves without a question. When that
   time is over, which happens only when the timer came to nothing, one load is waited for; where it
   fails the set goes on to serve, and nobody waits for the attempts after it (SEC-26, SEC-27).
2. `max_stale_seconds` after the last success the set is gone, whatever happens meanwhile. Age runs
   on the monotonic clock, from before the load.
3. One load at a time; who needs it waits for the one under way (SEC-24). A caller that gives up
   does not take the load with it.
4. Between the end of an attempt and the next one that a token asks for lie `min_refetch_seconds`,
   after failures the doubling wait of `Freshness.backoff` (SEC-24, SEC-25). A name that was looked
   for in vain waits longer (unknown_keys.py). So many wait for one load, and no more. What they
   ask for is the keys: where these are is asked by the timer, and after a failure.
5. The timer loads shortly before the set stops being fresh, after failures as soon as the wait is
   over. No failure ends this.
6. A document that did not change keeps the key set object, and with it all verdicts that hang on
   it; one that changed replaces it, and a withdrawn key is gone at once.
7. Without keys in hand and with none to be had, those that an earlier process left on disk serve
   inside the same limit (saved.py).

Verification with fresh keys in hand touches none of this: `current` is a comparison.
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import SystemRandom
from typing import Final

from gatepass.jwks.clock import Clock
from gatepass.jwks.disk_copy import DiskCopy
from gatepass.jwks.document import Document
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.freshness import DEFAULT_FRESHNESS, Freshness, due
from gatepass.jwks.key_log import KeyLog
from gatepass.jwks.keyset import KeySet, parse_key_set
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits
from gatepass.jwks.saved import SavedKeys
from gatepass.jwks.source import KeySource
from gatepass.jwks.unknown_keys import UnknownKeys

_CHANCE = SystemRandom().random
NEVER_TRIED = "not loaded yet"
MAX_WAITING: Final = 1024
"""Whoever waits holds a request, and each of them is woken one by one."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A key set with the place it came from; `began` is the load's start on the monotonic clock."""

    source: KeySource
    document: Document
    key_set: KeySet
    began: float


class Keeper:
    """The current keys of one issuer. Belongs to the event loop that first awaits it.

    The first load happens at the first `refresh`; from then on a timer runs until `close`. In
    `folder` the last good set outlives the process. `chance` gives numbers from 0 to 1, so that
    many processes do not ask at the same moment.

    `failures` in a row, `last_error` in fixed words (None after a success) and the `refetches` that
    tokens caused are there to be read.
    """

    def __init__(  # noqa: PLR0913 - what a deployment sets, and what tests hold in hand
        self,
        issuer: str,
        source: KeySource,
        *,
        clock: Clock,
        freshness: Freshness = DEFAULT_FRESHNESS,
        limits: Limits = DEFAULT_LIMITS,
        folder: Path | None = None,
        chance: Callable[[], float] = _CHANCE,
    ) -> None:
        self._log = KeyLog(issuer)
        self._source = source
        self._clock = clock
        self._freshness = freshness
        self._limits = limits
        self._chance = chance
        self._copy: DiskCopy | None = None
        if folder is not None and source.place is not None:
            self._copy = DiskCopy(SavedKeys(folder, issuer, source.place), clock.wall)
        self._unknown = UnknownKeys(issuer, 2 * freshness.min_refetch_seconds)
        self._document: Document | None = None
        self._key_set: KeySet | None = None
        self._loaded_at = -math.inf
        self._fresh_until = -math.inf
        self._unasked_until = -math.inf
        self._usable_until = -math.inf
        self._ask_again_at = -math.inf
        self._locate_at = -math.inf
        self._waiting = 0
        self._load: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.failures = 0
        self.last_error: str | None = NEVER_TRIED
        self.refetches = 0

    @property
    def refused_refetches(self) -> int:
        """Return how many tokens with unknown keys the issuer was not asked about."""
        return self._unknown.refused

    def age_seconds(self) -> float | None:
        """Return how long ago the last good load began, None before there was one."""
        if self._key_set is None:
            return None
        return self._clock.monotonic() - self._loaded_at

    def current(self, now: float) -> KeySet | None:
        """Return the keys that serve without a question at this monotonic time.

        None means that the issuer is to be asked first.
        """
        return self._key_set if now <= self._unasked_until else None

    def usable(self, now: float) -> KeySet | None:
        """Return the keys that may be used once asking did not help, None when there are none."""
        return self._key_set if now <= self._usable_until else None

    @property
    def crowded(self) -> bool:
        """Return whether so many wait for a load already that nobody else should."""
        return self._waiting >= MAX_WAITING

    def is_fresh(self, now: float) -> bool:
        """Return whether the keys in hand are as new as they should be."""
        return now <= self._fresh_until

    def may_refresh(self, now: float) -> bool:
        """Return whether `refresh` would wait for a load rather than return at once."""
        if self._closed or self._final:
            return self._loading
        return self._loading or now >= self._ask_again_at

    def may_look_for(self, kid: str, now: float) -> bool:
        """Return whether `refresh` would now look for a key that the set does not name."""
        if self._unknown.may_ask(kid, now) and self.may_refresh(now):
            return True
        if not self._final:
            self._unknown.refuse(now)
        return False

    async def refresh(self, kid: str | None = None) -> None:
        """Load the keys, or wait for the load under way; before its time do nothing.

        `kid` is the name that a token gave; if the load does not bring it, that is remembered.
        Raises nothing: what went wrong is kept in `last_error`.
        """
        if not self.may_refresh(self._clock.monotonic()):
            return
        self.refetches += not self._loading
        self._waiting += 1
        try:
            # unlike awaiting the task itself, this leaves it alone when the caller is cancelled
            await asyncio.wait({self._begin_load()})
        finally:
            self._waiting -= 1
        found = self.failures or self._key_set is None or self._key_set.names(kid)
        if kid is not None and not found:
            self._unknown.miss(kid, self._clock.monotonic())

    @property
    def loaded(self) -> Loaded | None:
        """Return what was loaded last, None before the first success."""
        if self._key_set is None or self._document is None:
            return None
        return Loaded(self._source, self._document, self._key_set, self._loaded_at)

    def inherit(self, loaded: Loaded | None) -> None:
        """Go on with what another keeper loaded from the same place, as old as it is, if newer."""
        if loaded is not None and loaded.source == self._source and loaded.began > self._loaded_at:
            self._keep(loaded.document, loaded.key_set, loaded.began)
            if self.last_error == NEVER_TRIED:
                self.last_error = None

    async def retire(self) -> None:
        """Begin no load any more, and wait for the one under way: tokens may be waiting for it."""
        self._closed = True
        self._unasked_until = self._usable_until
        if self._timer is not None:
            self._timer.cancel()
        if self._load is not None and not self._load.done():
            await asyncio.wait({self._load})

    async def close(self) -> None:
        """Stop the timer and the load under way; the keys in hand stay usable until too old."""
        if self._load is not None:
            self._load.cancel()
        await self.retire()
        if self._copy is not None:
            await self._copy.close()

    @property
    def _final(self) -> bool:
        return self._source.fixed and self._key_set is not None

    @property
    def _loading(self) -> bool:
        return self._load is not None and not self._load.done()

    def _begin_load(self) -> asyncio.Task[None]:
        if self._load is None or self._load.done():
            self._load = asyncio.create_task(self._load_once())
        return self._load

    async def _load_once(self) -> None:
        began, began_wall = self._clock.monotonic(), self._clock.wall()
        before, anew = self._document, bool(self.failures) or began >= self._locate_at
        if before is not None and anew:
            before = replace(before, located=False)
        try:
            document = await self._source.load(before)
            key_set = self._parsed(document)
        except KeySourceUnavailable as failure:
            self._failed(failure.detail)
        except Exception as bug:  # noqa: BLE001 - outermost here: the timer must outlive our bugs
            self._log.broken(bug)
            self._failed("internal error")
        else:
            if anew:
                # the earliest that the timer comes to load what lives for the whole time
                self._locate_at = began + due(self._freshness.refresh_seconds, chance=1)
            self._succeeded(document, key_set, began)
            if self._copy is not None:
                self._copy.keep(document.content, began_wall)
        if self._key_set is None:
            await self._recall()
        self._schedule()

    async def _recall(self) -> None:
        """Begin with the keys that an earlier process left on disk, as old as they are."""
        longest = self._freshness.max_stale_seconds
        found = None if self._copy is None else await self._copy.recall(longest)
        if found is not None:
            content, age = found
            with suppress(KeySourceUnavailable):
                key_set = parse_key_set(content, self._limits)
                self._keep(Document(content), key_set, self._clock.monotonic() - age)
                self._unasked_until = self._usable_until
                self._log.recalled(age)

    def _parsed(self, document: Document) -> KeySet:
        before = self._document
        if self._key_set is not None and before and document.content == before.content:
            return self._key_set
        return parse_key_set(document.content, self._limits)

    def _succeeded(self, document: Document, key_set: KeySet, began: float) -> None:
        if key_set is not self._key_set:
            self._log.changed(key_set)
            self._unknown.forget()
        self._keep(document, key_set, began)
        self._log.loaded()
        self.failures = 0
        self.last_error = None

    def _keep(self, document: Document, key_set: KeySet, began: float) -> None:
        self._document = document
        self._key_set = key_set
        self._loaded_at = began
        if self._source.fixed:
            self._fresh_until = self._usable_until = math.inf
        else:
            self._fresh_until = began + self._freshness.lifetime(document.fresh_seconds)
            self._usable_until = began + self._freshness.max_stale_seconds
        self._unasked_until = self._fresh_until

    def _failed(self, detail: str) -> None:
        """Let the keys in hand serve on, as long as they may."""
        self._log.failed(detail)
        self.failures += 1
        self._unasked_until = self._usable_until
        self.last_error = detail

    def _schedule(self) -> None:
        """Say when tokens may ask again, and set the timer for the next load."""
        if self._timer is not None:
            self._timer.cancel()
        now, times = self._clock.monotonic(), self._freshness
        wait = times.backoff(self.failures) if self.failures else times.min_refetch_seconds
        self._ask_again_at = now + wait
        if self._closed or self._source.fixed:
            return
        if not self.failures:
            wait = max(wait, self._fresh_until - now)
        delay = due(wait, self._chance())
        self._timer = asyncio.get_running_loop().call_later(delay, self._begin_load)
