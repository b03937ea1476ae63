"""Which thresholds of budgets were reached, and who still has to be told."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the schema to this version."""
    op.create_table(
        "budget_alerts",
        sa.Column("counter", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("threshold", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("counter", "ends_at", "threshold", name=op.f("pk_budget_alerts")),
    )
    op.create_index(
        op.f("ix_budget_alerts_delivered_at_due_at"), "budget_alerts", ["delivered_at", "due_at"]
    )


def downgrade() -> None:
    """Refuse: a copy is the way back."""
    raise NotImplementedError("restore the copy that was made before the upgrade")
