"""Budgets of tokens and requests, soft limits, limits for models, calendars, temporary raises.

A budget need not limit money any more, which SQLite cannot change in place: there the table is made
anew from a copy, with the references to it judged at the end of the transaction.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OLD = "budget_id, limit_nano_usd, window_seconds, anchor, named, version"
_PERIODS = "calendar_period IN ('day', 'week', 'month', 'quarter', 'year')"
_AMOUNTS = (
    *("soft_nano_usd", "limit_tokens", "soft_tokens", "limit_requests", "soft_requests"),
    *("raised_until", "raised_nano_usd", "raised_tokens", "raised_requests"),
)


def upgrade() -> None:
    """Take the schema to this version; every budget goes on as it was."""
    if op.get_bind().dialect.name == "sqlite":
        _make_anew()
        return
    op.alter_column("budgets", "limit_nano_usd", nullable=True)
    for column in _columns():
        op.add_column("budgets", column)
    for name, condition in _checks().items():
        op.create_check_constraint(op.f(f"ck_budgets_{name}"), "budgets", condition)


def _make_anew() -> None:
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.execute("CREATE TABLE old_budgets AS SELECT * FROM budgets")
    op.drop_table("budgets")
    op.create_table(
        "budgets",
        sa.Column("budget_id", sa.Text(), nullable=False),
        sa.Column("limit_nano_usd", sa.BigInteger(), nullable=True),
        sa.Column("window_seconds", sa.BigInteger(), nullable=True),
        sa.Column("anchor", sa.BigInteger(), nullable=False),
        sa.Column(
            "named",
            sa.Boolean(create_constraint=True, name=op.f("ck_budgets_named")),
            server_default=sa.false(),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *_columns(),
        sa.CheckConstraint("limit_nano_usd >= 0", name=op.f("ck_budgets_limit_nano_usd")),
        sa.CheckConstraint("window_seconds > 0", name=op.f("ck_budgets_window_seconds")),
        *(
            sa.CheckConstraint(condition, name=op.f(f"ck_budgets_{name}"))
            for name, condition in _checks().items()
        ),
        sa.PrimaryKeyConstraint("budget_id", name=op.f("pk_budgets")),
    )
    op.execute(f"INSERT INTO budgets ({_OLD}) SELECT {_OLD} FROM old_budgets")  # noqa: S608 - names of ours
    op.drop_table("old_budgets")


def _columns() -> list[sa.Column[int] | sa.Column[str]]:
    return [
        sa.Column("calendar_period", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in _AMOUNTS),
        sa.Column("model_limits", sa.Text(), server_default="[]", nullable=False),
    ]


def _checks() -> dict[str, str]:
    return {
        "amounts": " AND ".join(f"coalesce({name}, 0) >= 0" for name in _AMOUNTS),
        "calendar_period": _PERIODS,
        "one_window": "window_seconds IS NULL OR calendar_period IS NULL",
        "time_zone": "(calendar_period IS NULL) = (time_zone IS NULL)",
    }


def downgrade() -> None:
    """Refuse: limits of tokens and requests have no place in the version before.

    Raises:
        NotImplementedError: always; restore the copy that was made before the upgrade.

    """
    raise NotImplementedError("restore the copy that was made before the upgrade")
