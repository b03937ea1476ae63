"""The tables of what was spent: the ledger, the counters, and what is reserved at this moment.

They belong to the directory's schema and are changed by its migrations. Amounts are whole numbers:
nano-dollars, tokens or requests. Times of windows are seconds since the epoch, those of calls are
microseconds. A `counter` is the JSON of the five parts of a limit's key, so that no two limits
share one. `charges` are the JSON of what a call counted on which counter.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from gatepass.plugin.directory.metadata import metadata

OUTCOMES = ("settled", "released", "expired", "late")
"""How a call ended: `late` is settled after it had expired."""

_WHO = ("issuer", "user_id", "team_id", "organization_id", "end_user_id")
_TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")


def _amount(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _not_negative(*names: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(f"{name} >= 0" for name in names), name="amounts")


ledger = Table(
    "ledger",
    metadata,
    Column("request_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("settled_at", BigInteger, nullable=False),
    *(Column(name, Text) for name in (*_WHO, "model")),
    *(_amount(name) for name in _TOKENS),
    _amount("nano_usd"),
    Column("price_version", Text),
    Column("outcome", Text, nullable=False),
    Column("charges", Text, nullable=False),
    _not_negative(*_TOKENS, "nano_usd"),
    CheckConstraint(
        f"outcome IN ({', '.join(repr(outcome) for outcome in OUTCOMES)})", name="outcome"
    ),
    PrimaryKeyConstraint("request_id", "at"),
    Index(None, "settled_at"),
)
"""One row for every call that has ended; it outlives the rows of whom it speaks."""

ledger_carried = Table(
    "ledger_carried",
    metadata,
    Column("counter", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("counter", "since"),
)
"""What rows counted that were taken out of the ledger, as long as their windows run."""

budget_counters = Table(
    "budget_counters",
    metadata,
    Column("counter", Text, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("ends_at", BigInteger),
    _amount("spent"),
    _amount("reserved"),
    _not_negative("spent", "reserved"),
)
"""What is spent and reserved in the window that began at `since`; `ends_at` NULL never ends."""

budget_reservations = Table(
    "budget_reservations",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("holds", Text, nullable=False),
    *(_amount(unit) for unit in ("nano", "tokens", "requests")),
    *(Column(name, Text) for name in (*_WHO, "model", "price_version")),
    Column("memo", Text, nullable=False),
    _not_negative("nano", "tokens", "requests"),
    CheckConstraint("state IN ('open', 'expired', 'done')", name="state"),
    Index(None, "state", "deadline"),
)
"""What is promised to calls under way, and what was promised to those that ended lately.

`holds` are the JSON of what is reserved on which counter. The amounts are what the call is charged
when nobody settles it in time, or was. `deadline` is when it is, or when it is forgotten.
"""

budget_alerts = Table(
    "budget_alerts",
    metadata,
    Column("counter", Text, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("threshold", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    PrimaryKeyConstraint("counter", "ends_at", "threshold"),
    Index(None, "delivered_at", "due_at"),
)
"""One row for every threshold that a counter has reached in a window; `ends_at` 0 never ends."""
