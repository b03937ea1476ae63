"""The ledger, the counters of budgets, and their reservations."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OUTCOMES = "outcome IN ('settled', 'released', 'expired', 'late')"
_UNITS = ("nano", "tokens", "requests")
_WHO = ("issuer", "user_id", "team_id", "organization_id", "end_user_id")
_TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
_AMOUNTS = (*_TOKENS, "nano_usd")


def upgrade() -> None:
    """Take the schema to this version."""
    op.create_table(
        "ledger",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in (*_WHO, "model")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _AMOUNTS),
        sa.Column("price_version", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("charges", sa.Text(), nullable=False),
        sa.CheckConstraint(_not_negative(*_AMOUNTS), name=op.f("ck_ledger_amounts")),
        sa.CheckConstraint(_OUTCOMES, name=op.f("ck_ledger_outcome")),
        sa.PrimaryKeyConstraint("request_id", "at", name=op.f("pk_ledger")),
    )
    op.create_index(op.f("ix_ledger_settled_at"), "ledger", ["settled_at"])
    op.create_table(
        "ledger_carried",
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("counter", "since", name=op.f("pk_ledger_carried")),
    )
    op.create_table(
        "budget_counters",
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("definition", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            _not_negative("spent", "reserved"), name=op.f("ck_budget_counters_amounts")
        ),
        sa.PrimaryKeyConstraint("counter", name=op.f("pk_budget_counters")),
    )
    op.create_table(
        "budget_reservations",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("holds", sa.Text(), nullable=False),
        *(sa.Column(unit, sa.BigInteger(), nullable=False) for unit in _UNITS),
        *(sa.Column(name, sa.Text(), nullable=True) for name in (*_WHO, "model", "price_version")),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.CheckConstraint(_not_negative(*_UNITS), name=op.f("ck_budget_reservations_amounts")),
        sa.CheckConstraint(
            "state IN ('open', 'expired', 'done')", name=op.f("ck_budget_reservations_state")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_budget_reservations")),
    )
    op.create_index(
        op.f("ix_budget_reservations_state_deadline"),
        "budget_reservations",
        ["state", "deadline"],
    )


def _not_negative(*names: str) -> str:
    return " AND ".join(f"{name} >= 0" for name in names)


def downgrade() -> None:
    """Refuse: what was spent has no place in the version before.

    Raises:
        NotImplementedError: always; restore the copy that was made before the upgrade.

    """
    raise NotImplementedError("restore the copy that was made before the upgrade")
