"""Which alerts there were, and which of them still have to be sent.

A row is made once for each threshold of a counter and window, whoever notices it first, and stays
as long as the window does. Whoever takes a row has it to itself for a while; one that could not be
sent comes back later each time, and is given up after `MAX_ATTEMPTS`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import text

from gatepass.plugin.alerts.crossings import Alert
from gatepass.plugin.directory.database import Database

LEASE_SECONDS = 60
MAX_ATTEMPTS = 20
KEPT_SECONDS = 7 * 86_400
_FIRST_PAUSE_SECONDS = 10
_LONGEST_PAUSE_SECONDS = 3600

_ADD = text(
    "INSERT INTO budget_alerts (counter, ends_at, threshold, body, due_at, attempts) "
    "VALUES (:counter, :ends_at, :threshold, :body, :now, 0) ON CONFLICT DO NOTHING"
)
_TAKE = text(
    "UPDATE budget_alerts SET due_at = :later, attempts = attempts + 1 "
    "WHERE delivered_at IS NULL AND due_at <= :now AND attempts < :most "
    "RETURNING counter, ends_at, threshold, body, attempts"
)
_MINE = "WHERE counter = :counter AND ends_at = :ends_at AND threshold = :threshold"
_DELIVERED = text(f"UPDATE budget_alerts SET delivered_at = :now {_MINE}")  # noqa: S608 - our own words
_LATER = text(f"UPDATE budget_alerts SET due_at = :due {_MINE}")  # noqa: S608 - our own words
_FORGET = text("DELETE FROM budget_alerts WHERE ends_at > 0 AND ends_at < :before")


class Taken(NamedTuple):
    """An alert to be sent, and how often it was tried, this time included."""

    alert: Alert
    attempts: int


class AlertStore:
    """The table of alerts; `now` is always in seconds since the epoch.

    All methods raise StoreUnavailable when the database fails.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, alerts: Sequence[Alert], now: int) -> None:
        """Keep the alerts that nobody noticed before."""
        async with self._database.writing() as connection:
            for alert in alerts:
                await connection.execute(_ADD, {**alert._asdict(), "now": now})

    async def take(self, now: int) -> Sequence[Taken]:
        """Return the alerts that are due, for this process alone."""
        said = {"now": now, "later": now + LEASE_SECONDS, "most": MAX_ATTEMPTS}
        async with self._database.writing() as connection:
            await connection.execute(_FORGET, {"before": now - KEPT_SECONDS})
            rows = (await connection.execute(_TAKE, said)).all()
        return [Taken(Alert(*row[:4]), row[4]) for row in rows]

    async def delivered(self, alert: Alert, now: int) -> None:
        """Note that somebody has got it."""
        async with self._database.writing() as connection:
            await connection.execute(_DELIVERED, {**_key(alert), "now": now})

    async def failed(self, taken: Taken, now: int) -> None:
        """Note that it must be tried again, the later the more often it was tried."""
        pause = min(_FIRST_PAUSE_SECONDS << taken.attempts, _LONGEST_PAUSE_SECONDS)
        async with self._database.writing() as connection:
            await connection.execute(_LATER, {**_key(taken.alert), "due": now + pause})


def _key(alert: Alert) -> dict[str, str | int]:
    return {
        "counter": alert.counter,
        "ends_at": alert.ends_at,
        "threshold": alert.threshold,
    }
