"""Which thresholds of a limit are reached, and what is said of one. Pure.

A threshold is a percentage of the hard limit, or the soft limit. Reached is what is spent, not what
is reserved. A hard limit of nothing is no news: it was used up from the start.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

import msgspec

from gatepass.plugin.budget_refusal import written
from gatepass.plugin.budgets.limits import LimitStanding

SOFT = "soft"
_WHOLE = 100


class Alert(NamedTuple):
    """A threshold that is reached in a window; `ends_at` 0 is a window without an end."""

    counter: str
    ends_at: int
    threshold: str
    body: str

    @property
    def alert_id(self) -> str:
        """Return what nothing else is called by, also when it is sent again."""
        parts = msgspec.json.encode((self.counter, self.ends_at, self.threshold))
        return sha256(parts).hexdigest()[:32]


def reached(standing: LimitStanding, percentages: Sequence[int], now: float) -> Iterator[Alert]:
    """Yield an alert for each threshold that is reached; `now` is in seconds since the epoch."""
    limit, hard, spent = standing.limit, standing.hard, standing.spent
    soft = limit.soft_at(now)
    if soft is not None and spent >= soft:
        yield _alert(standing, SOFT, now)
    if hard:
        for percent in percentages:
            if spent * _WHOLE >= percent * hard:
                yield _alert(standing, f"{percent}%", now)


def _alert(standing: LimitStanding, threshold: str, now: float) -> Alert:
    limit = standing.limit
    data = {
        "scope": limit.scope.value,
        "id": limit.subject_id,
        "unit": limit.unit.value,
        "model": limit.model,
        "threshold": threshold,
        "limit": written(limit.unit, standing.hard),
        "soft_limit": written(limit.unit, limit.soft_at(now)),
        "spent": written(limit.unit, standing.spent),
        "resets_at": standing.ends_at,
    }
    moment = datetime.fromtimestamp(int(now), UTC).isoformat()
    body = {"type": "budget.threshold_reached", "timestamp": moment, "data": data}
    text = msgspec.json.encode(body).decode()
    return Alert(limit.counter, standing.ends_at or 0, threshold, text)
