"""While the store is away: who is found all the same, and what is said about it.

Whoever is remembered goes on for a while (callers.py). Of everybody else a profile may let some
pass by their token alone, on routes that it names (`unsafe_routes_without_store`): judged by
gatepass.rbac.outage, told to the upstream without a name, bound by no money, counted, and logged
once for each outage. All others are told that the store is away.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatepass.plugin.callers import Found
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.outage import opens_without_rows

if TYPE_CHECKING:
    from gatepass.jwks.token import VerifiedToken
    from gatepass.plugin.routing import Route
    from gatepass.plugin.rulebook import Rulebook
    from gatepass.plugin.store_health import StoreHealth

_log = logging.getLogger("gatepass.directory")


@dataclass(frozen=True, slots=True)
class OutageStatus:
    """What an outage of the store would mean now, and what outages have meant so far.

    `serves` is true when somebody would pass. `open_profiles` let anybody with a good token pass,
    on some routes. Counts begin with the start.
    """

    serves: bool = False
    open_profiles: tuple[str, ...] = ()
    stale_served: int = 0
    without_rows: int = 0


class OutageRule:
    """Finds callers whether or not the store answers; `without_rows` counts those who had none."""

    __slots__ = ("_health", "_logged", "without_rows")

    def __init__(self, health: "StoreHealth") -> None:
        self._health = health
        self.without_rows = 0
        self._logged = 0

    async def find(  # noqa: PLR0913 - who asks for what, by which rules
        self,
        rulebook: "Rulebook",
        route: "Route",
        method: str,
        token: "VerifiedToken",
        team: str | None,
        *,
        fresh: bool,
    ) -> Found:
        """Return the caller.

        Raises:
            AccessDenied, StoreUnavailable, CustomCheckFailed, GroupsNotResolved: there is none.

        """
        try:
            return await rulebook.callers.find(token, team, fresh=fresh)
        except StoreUnavailable:
            if fresh or not opens_without_rows(route.profile, method, route.path):
                raise
            known = await rulebook.callers.find_without_rows(token)
            if known is None:
                raise
        self.without_rows += 1
        if self._logged != rulebook.callers.store.outages:
            self._logged = rulebook.callers.store.outages
            _log.error(
                "UNSAFE: requests pass by their token alone while the store does not answer",
                extra={"profile": route.profile.name},
            )
        return Found(known)

    async def store_answers(self, rulebook: "Rulebook") -> bool:
        """Answer whether the store does; that it is away is then known to all who ask it."""
        watch = rulebook.callers.store
        if watch.away or await self._health.answers():
            return not watch.away
        return not await watch.is_away()

    def status(self, rulebook: "Rulebook") -> OutageStatus:
        """Return what an outage would mean now."""
        callers, open_profiles = rulebook.callers, rulebook.open_without_store
        return OutageStatus(
            serves=bool(open_profiles) or callers.could_serve(),
            open_profiles=open_profiles,
            stale_served=callers.stale_served,
            without_rows=self.without_rows,
        )
