"""What a caller is told of their own limits: `GET /me/budget`, with the token that calls models.

Told are the limits that are theirs: the team's that they act for, their share in it, their own, and
the end user's; not those of the organization and of the whole deployment. The token is judged as in
every request; no permission is needed, and nothing is reserved.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatepass.plugin.budget_refusal import is_callers_own, written
from gatepass.plugin.budgets.engine import BudgetEngine
from gatepass.plugin.budgets.forecast import used_up_at
from gatepass.plugin.budgets.limits import LimitStanding
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.reasons import Reason

if TYPE_CHECKING:
    from gatepass.plugin.request import Request
    from gatepass.plugin.rulebook import Rulebook

PATH = "/me/budget"


async def own_standings(
    rulebook: "Rulebook", budgets: BudgetEngine, request: "Request"
) -> Sequence[LimitStanding]:
    """Return how the caller's own limits stand.

    Raises:
        RequestRefused, TokenRefused, AccessDenied: nobody in particular asks.
        StoreUnavailable: nobody knows.

    """
    facts = rulebook.inspector.inspect(request)
    if facts.token is None:
        raise RequestRefused(Reason.NO_TOKEN)
    token = await rulebook.verifier.verify(facts.token)
    proof = rulebook.possession.check(token, facts, request, PATH)
    known, _ = await rulebook.callers.find(token, facts.team)
    limits = [limit for limit in known.limits.limits if is_callers_own(limit)]
    standings = await budgets.standings(limits) if limits else ()
    if proof is not None:
        rulebook.possession.use(proof, request)
    return standings


def to_document(standings: Sequence[LimitStanding], now: float) -> dict[str, object]:
    """Return what is shown of standings, with money in dollars and times in UTC."""
    return {"limits": [_shown(standing, now) for standing in standings]}


def _shown(standing: LimitStanding, now: float) -> dict[str, object]:
    limit = standing.limit
    ends_at = standing.ends_at
    return {
        "scope": limit.scope.value,
        "id": limit.subject_id,
        "unit": limit.unit.value,
        "model": limit.model,
        "limit": written(limit.unit, standing.hard),
        "soft_limit": written(limit.unit, limit.soft_at(now)),
        "spent": written(limit.unit, standing.spent),
        "reserved": written(limit.unit, standing.reserved),
        "left": written(limit.unit, standing.left),
        "resets_at": moment(ends_at),
        "used_up_at": moment(used_up_at(standing, now)),
    }


def moment(seconds: int | None) -> str | None:
    """Return seconds since the epoch as people and machines read them, in UTC."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError):  # beyond the year 9999
        return None
