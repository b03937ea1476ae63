"""A service whose health tests make up, and the statuses of issuers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from gatepass.jwks.faults import KeyFault
from gatepass.jwks.introspection import IntrospectionStatus
from gatepass.jwks.status import IssuerStatus
from gatepass.plugin.outage import OutageStatus

GOOD = IssuerStatus(
    issuer="https://good.example",
    key_ids=("kid-canary", None),
    skipped={},
    remarks={},
    age_seconds=12.5,
    last_success=1_700_000_000.0,
    last_error=None,
    stale=False,
    failures=0,
    refetches=3,
    refused_refetches=7,
)
STALE = replace(
    GOOD,
    issuer="https://stale.example",
    age_seconds=4000.0,
    last_error="timeout",
    stale=True,
    failures=5,
    skipped={KeyFault.PRIVATE: 1, KeyFault.UNSUPPORTED: 2},
)
AWAY = IssuerStatus(
    issuer="https://away.example",
    key_ids=(),
    skipped={},
    remarks={},
    age_seconds=None,
    last_success=None,
    last_error="connection refused",
    stale=False,
    failures=2,
    refetches=1,
    refused_refetches=0,
)
ASKED = IntrospectionStatus(
    issuer="https://opaque.example",
    asked=9,
    refused=2,
    unanswered=1,
    held_back=4,
    in_flight=0,
    failures=1,
    last_error="timeout",
)


class ScriptedWatched:
    """Says what it was told to say; a store of None never answers, an exception is raised."""

    def __init__(
        self,
        *issuers: IssuerStatus,
        store: bool | Exception | None = True,
        introspections: Sequence[IntrospectionStatus] = (),
    ) -> None:
        self.statuses: Sequence[IssuerStatus] | Exception = issuers
        self._store = store
        self._introspections = introspections
        self.without_store = OutageStatus()

    def issuers(self) -> Sequence[IssuerStatus]:
        if isinstance(self.statuses, Exception):
            raise self.statuses
        return self.statuses

    def introspections(self) -> Sequence[IntrospectionStatus]:
        return self._introspections

    def outage(self) -> OutageStatus:
        return self.without_store

    async def store_answers(self) -> bool:
        if self._store is None:
            await asyncio.Event().wait()
        if isinstance(self._store, Exception):
            raise self._store
        return bool(self._store)
