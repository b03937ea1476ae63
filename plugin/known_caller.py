"""A caller with all that does not change from request to request, once for each of their teams.

Most have one team or none. Of several the first counts that may use the route and the models of the
request, in the order of gatepass.rbac.teams. When none may, the first says why, also where it is
barred (blocked, say) and only kept its place. Whatever else the request would be refused for does
not make the caller act for another team: neither parameters nor money choose who pays.
"""

from collections.abc import Callable

import msgspec

from gatepass.plugin.budgets.applicable import Applicable
from gatepass.plugin.budgets.engine import NOBODY, Payer
from gatepass.plugin.decision import Caller
from gatepass.plugin.headers import Header
from gatepass.plugin.naming import Naming
from gatepass.rbac.checks import check_models, check_route, may_modify_guardrails
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.permissions import Permission
from gatepass.rbac.policy import Profile
from gatepass.rbac.standing import Standing


class Life:
    """Until when what was read of a caller counts, on the monotonic clock.

    Until `good_until` it counts as it is, until `stale_until` while the store is away. All copies
    of a caller share their life; `rows` is what it depends on, in the words of notices.
    """

    __slots__ = ("good_until", "rows", "stale_until")

    def __init__(self, good_until: float) -> None:
        self.good_until = good_until
        self.stale_until = good_until
        self.rows: tuple[bytes, ...] = ()

    def end(self) -> None:
        """Let nothing count any more."""
        self.good_until = self.stale_until = 0.0


class KnownCaller(msgspec.Struct, frozen=True):
    """A caller acting for one team, or for none.

    `limits` are all that may apply, `payer` is who calls are written down for. `standing` is the
    caller's part of the checks; `model_decides` is true when a rule in it or a limit needs to know
    the model. `others` are the same caller for further teams, in order; `barred` is why an earlier
    team than all of these cannot be acted for.
    """

    caller: Caller
    set_headers: tuple[Header, ...]
    limits: Applicable
    standing: Standing
    model_decides: bool
    life: Life
    others: tuple["KnownCaller", ...] = ()
    barred: AccessFault | None = None
    payer: Payer = NOBODY

    @property
    def good_until(self) -> float:
        """Return until when the caller counts, on the monotonic clock."""
        return self.life.good_until

    def everywhere(self, change: Callable[[Standing], Standing]) -> "KnownCaller":
        """Return the caller with another standing, for each of their teams."""
        others = tuple(other.everywhere(change) for other in self.others)
        return msgspec.structs.replace(self, standing=change(self.standing), others=others)


class Fitting(msgspec.Struct, frozen=True):
    """Those who may use a route, each with what their role may do there; at least one.

    `fault` is why the first of all may not, if it may not.
    """

    callers: tuple[tuple[KnownCaller, Permission], ...]
    fault: AccessFault | None

    @property
    def model_decides(self) -> bool:
        """Answer whether the models of the request must be known to judge any of them.

        One is enough: who could hide the models could choose who pays.
        """
        for known, permission in self.callers:
            if known.model_decides or not permission.models.everything:
                return True
        return False

    def is_guarded(self, profile: Profile) -> bool:
        """Answer whether one of them may not change guardrails."""
        return any(not may_modify_guardrails(profile, known.standing) for known, _ in self.callers)


def who_may_call(known: KnownCaller, profile: Profile, method: str, path: str) -> Fitting:
    """Return for which of the teams the caller may use a route.

    Raises:
        AccessDenied: for none of them, with what is wrong with the first.

    """
    if not known.others and known.barred is None:
        return Fitting(((known, check_route(profile, known.standing, method, path)),), None)
    faults = [] if known.barred is None else [known.barred]
    fitting: list[tuple[KnownCaller, Permission]] = []
    for candidate in (known, *known.others):
        if fitting and _may_the_same(candidate.standing, fitting[-1][0].standing):
            fitting.append((candidate, fitting[-1][1]))
            continue
        try:
            fitting.append((candidate, check_route(profile, candidate.standing, method, path)))
        except AccessDenied as denied:
            if not fitting:
                faults.append(denied.fault)
    if not fitting:
        raise AccessDenied(faults[0])
    return Fitting(tuple(fitting), faults[0] if faults else None)


def _may_the_same(one: Standing, other: Standing) -> bool:
    """Answer whether no route could tell two teams of one token apart."""
    return (
        one.role is other.role
        and one.team_pays is other.team_pays
        and one.scopes.mappings == other.scopes.mappings
    )


def who_acts(
    fitting: Fitting, method: str, path: str, naming: Naming
) -> tuple[KnownCaller, Naming]:
    """Return for which team the caller acts, and the models as that team means them.

    Raises:
        AccessDenied: the models are denied to all, with what is wrong with the first.

    """
    if len(fitting.callers) == 1 and fitting.fault is None:
        known, permission = fitting.callers[0]
        meant = _meant(known, naming)
        check_models(permission, known.standing, method, path, meant.models)
        return known, meant
    faults = [] if fitting.fault is None else [fitting.fault]
    for known, permission in fitting.callers:
        meant = _meant(known, naming)
        try:
            check_models(permission, known.standing, method, path, meant.models)
        except AccessDenied as denied:
            faults.append(denied.fault)
        else:
            return known, meant
    raise AccessDenied(faults[0])


def _meant(known: KnownCaller, naming: Naming) -> Naming:
    aliases = known.standing.aliases
    return naming.with_targets(aliases) if aliases else naming
