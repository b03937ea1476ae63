"""Noticing thresholds beside the decisions: what a call stands on is looked at a little later.

A decision does no more than note the limits of its call. Every few seconds those that were noted
lately are asked of the engine, as they stand then, so that a threshold is noticed also when the
call that reached it was the last one; some at a time, so that decisions go on meanwhile. What is
noticed is kept by the store before it is sent; what cannot be sent is tried again by whichever
process has the time. The service does not suffer: what fails here is logged once, and tried again.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from gatepass.jwks.clock import Clock
from gatepass.plugin.alerts.crossings import Alert, reached
from gatepass.plugin.alerts.store import Taken
from gatepass.plugin.budgets.engine import BudgetEngine
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.errors import StoreUnavailable

LOOK_SECONDS = 5.0
LOOK_AT_ONCE = 200
"""How many limits the engine is asked for before anybody else has a turn."""

MAX_NOTED = 100_000
MAX_SENT = 100_000

_log = logging.getLogger("gatepass.alerts")


class Alerts(Protocol):
    """Where alerts are kept."""

    async def add(self, alerts: Sequence[Alert], now: int) -> None:
        """Keep the alerts that nobody noticed before."""
        ...

    async def take(self, now: int) -> Sequence[Taken]:
        """Return the alerts that are due, for this process alone."""
        ...

    async def delivered(self, alert: Alert, now: int) -> None:
        """Note that somebody has got it."""
        ...

    async def failed(self, taken: Taken, now: int) -> None:
        """Note that it must be tried again."""
        ...


class Sender(Protocol):
    """Where alerts go."""

    async def send(self, alert: Alert, now: int) -> bool:
        """Send an alert and return whether it was taken."""
        ...

    async def close(self) -> None:
        """Let go of the connections."""
        ...


class AlertWatch:
    """Looks at limits that were noted; `percentages` are those of hard limits, in any order."""

    def __init__(
        self, alerts: Alerts, sender: Sender, percentages: Sequence[int], clock: Clock
    ) -> None:
        self._alerts = alerts
        self._sender = sender
        self._percentages = tuple(percentages)
        self._clock = clock
        self._noted: dict[str, tuple[AppliedLimit, float]] = {}
        self._kept: set[tuple[str, int, str]] = set()
        self._quiet = False

    def note(self, limits: Sequence[AppliedLimit]) -> None:
        """Note the limits of a call; cheap, because a decision waits."""
        now = self._clock.monotonic()
        noted = self._noted
        for limit in limits:
            noted[limit.counter] = (limit, now)

    async def look(self, engine: BudgetEngine) -> None:
        """Look at what was noted, keep what is new, and send what is due.

        Raises:
            StoreUnavailable: the engine or the store does not answer; nothing is lost.

        """
        if len(self._noted) > MAX_NOTED:
            self._noted.clear()
        counters = list(self._noted)
        for start in range(0, len(counters), LOOK_AT_ONCE):
            limits = self._still_noted(counters[start : start + LOOK_AT_ONCE], engine)
            if limits:
                await self._look_at(limits, engine)
            await asyncio.sleep(0)
        for taken in await self._alerts.take(int(self._clock.wall())):
            if await self._sender.send(taken.alert, int(self._clock.wall())):
                await self._alerts.delivered(taken.alert, int(self._clock.wall()))
            else:
                await self._alerts.failed(taken, int(self._clock.wall()))

    async def _look_at(self, limits: Sequence[AppliedLimit], engine: BudgetEngine) -> None:
        now = self._clock.wall()
        new = [
            alert
            for standing in await engine.standings(limits)
            for alert in reached(standing, self._percentages, now)
            if alert[:3] not in self._kept
        ]
        if new:
            await self._alerts.add(new, int(now))
            if len(self._kept) > MAX_SENT:
                self._kept.clear()  # the store knows them
            self._kept.update(alert[:3] for alert in new)

    async def run(self, engine: BudgetEngine) -> None:
        """Look every few seconds, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look(engine)
            except StoreUnavailable:
                if not self._quiet:
                    _log.warning("alerts wait: the store does not answer")
                self._quiet = True
            except Exception as bug:  # noqa: BLE001 - whatever it is, the service goes on
                _log.error("an alert failed", extra={"fault": type(bug).__name__})
            else:
                self._quiet = False

    async def close(self) -> None:
        """Let go of where alerts go."""
        await self._sender.close()

    def _still_noted(self, counters: Sequence[str], engine: BudgetEngine) -> Sequence[AppliedLimit]:
        """Return the limits of these counters; forget those on which no call can be settled now."""
        settling_seconds = engine.rules.reservation_timeout_seconds
        before = self._clock.monotonic() - settling_seconds - LOOK_SECONDS
        limits = []
        for counter in counters:
            limit, at = self._noted[counter]
            if at < before:
                del self._noted[counter]
            else:
                limits.append(limit)
        return limits
