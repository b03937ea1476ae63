"""How the service fares right now: plain values, which pages, metrics and the command line show.

Rules: nobody waits longer than a moment for it, whatever hangs; an error of ours is a store that
does not answer. What it holds of an issuer are numbers, fixed words, the issuer's name as the
settings spell it, and the names of its published keys; who is shown which is for the pages to say.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gatepass.jwks.introspection import IntrospectionStatus
from gatepass.jwks.status import IssuerStatus
from gatepass.plugin.outage import OutageStatus

STORE_SECONDS = 2.0
"""How long the store may take to answer."""

_NO_OUTAGE = OutageStatus()
_log = logging.getLogger("gatepass.telemetry")


class Watched(Protocol):
    """The Gate, as those see it who watch it."""

    def issuers(self) -> Sequence[IssuerStatus]:
        """Return how the keys of each issuer stand."""
        ...

    def introspections(self) -> Sequence[IntrospectionStatus]:
        """Return how asking about opaque tokens goes, for each issuer that is asked."""
        ...

    async def store_answers(self) -> bool:
        """Answer whether the store does."""
        ...

    def outage(self) -> OutageStatus:
        """Return what an outage of the store would mean now."""
        ...


class KeyState(StrEnum):
    """How the keys of an issuer stand, in one word."""

    FRESH = "fresh"
    STALE = "stale"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Health:
    """Whether requests can be judged, and what that hangs on.

    A service is ready without its store as long as somebody would pass without it.
    """

    ready: bool
    store: bool
    issuers: tuple[IssuerStatus, ...]
    introspections: tuple[IntrospectionStatus, ...]
    outage: OutageStatus = _NO_OUTAGE


def key_state(status: IssuerStatus) -> KeyState:
    """Return how the keys of an issuer stand."""
    if not status.key_ids:
        return KeyState.NONE
    return KeyState.STALE if status.stale else KeyState.FRESH


async def health_of(watched: Watched) -> Health:
    """Return how the service fares, within a moment; never raises."""
    store = await _store_answers(watched)
    issuers = tuple(watched.issuers())
    outage = watched.outage()
    return Health(
        ready=(store or outage.serves) and all(status.key_ids for status in issuers),
        store=store,
        issuers=issuers,
        introspections=tuple(watched.introspections()),
        outage=outage,
    )


async def _store_answers(watched: Watched) -> bool:
    try:
        async with asyncio.timeout(STORE_SECONDS):
            return await watched.store_answers()
    except TimeoutError:
        return False
    except Exception as bug:  # noqa: BLE001 - whatever it is, it is no answer
        _log.error("looking after the store failed", extra={"fault": type(bug).__name__})
        return False
