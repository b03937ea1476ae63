"""Versions of rows, named budgets, the audit of changes, answers kept for idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_VERSIONED = (
    "budgets",
    "organizations",
    "teams",
    "users",
    "memberships",
    "organization_memberships",
    "end_users",
)
_INDEXED = (
    ("organizations", "budget_id"),
    ("teams", "organization_id"),
    ("teams", "budget_id"),
    ("teams", "member_budget_id"),
    ("users", "role"),
    ("users", "budget_id"),
    ("memberships", "team_id", "user_id"),
    ("memberships", "budget_id"),
    ("organization_memberships", "organization_id"),
    ("end_users", "budget_id"),
)
_NAMED = "ALTER TABLE budgets ADD COLUMN named BOOLEAN DEFAULT {no} NOT NULL"
_CHECKED = " CONSTRAINT ck_budgets_named CHECK (named IN (0, 1))"


def upgrade() -> None:
    """Take the schema to this version; nothing that is stored changes."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_NAMED.format(no="0") + _CHECKED)
    else:
        op.execute(_NAMED.format(no="false"))
    for table in _VERSIONED:
        version = sa.Column("version", sa.Integer(), server_default="1", nullable=False)
        op.add_column(table, version)
    for table, *columns in _INDEXED:
        op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns)
    _make_audit()
    _make_answers()


def _make_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor_issuer", sa.Text(), nullable=True),
        sa.Column("actor_subject", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Text(), nullable=True),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "action IN ('create', 'update', 'delete', 'block', 'unblock')",
            name=op.f("ck_audit_action"),
        ),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_kind_row_id"), "audit", ["kind", "row_id"])


def _make_answers() -> None:
    op.create_table(
        "answers",
        sa.Column("actor_issuer", sa.Text(), nullable=False),
        sa.Column("actor_subject", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("actor_issuer", "actor_subject", "key", name=op.f("pk_answers")),
    )
    op.create_index(op.f("ix_answers_at"), "answers", ["at"])


def downgrade() -> None:
    """Refuse: what was audited has no place in the version before.

    Raises:
        NotImplementedError: always; restore the copy that was made before the upgrade.

    """
    raise NotImplementedError("restore the copy that was made before the upgrade")
