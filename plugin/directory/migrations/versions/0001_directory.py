"""The directory: budgets, organizations, teams, users, memberships, end users."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROLES = (
    "role IN ('proxy_admin', 'proxy_admin_viewer', 'org_admin', 'team', 'internal_user', "
    "'internal_user_viewer', 'end_user')"
)


def upgrade() -> None:
    """Take the schema to this version."""
    op.create_table(
        "budgets",
        sa.Column("budget_id", sa.Text(), nullable=False),
        sa.Column("limit_nano_usd", sa.BigInteger(), nullable=False),
        sa.Column("window_seconds", sa.BigInteger(), nullable=True),
        sa.Column("anchor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("limit_nano_usd >= 0", name=op.f("ck_budgets_limit_nano_usd")),
        sa.CheckConstraint("window_seconds > 0", name=op.f("ck_budgets_window_seconds")),
        sa.PrimaryKeyConstraint("budget_id", name=op.f("pk_budgets")),
    )
    op.create_table(
        "organizations",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=True),
        *_standing("organizations"),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "teams",
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Text(), nullable=True),
        *_standing("teams"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.organization_id"],
            name=op.f("fk_teams_organization_id_organizations"),
        ),
        sa.PrimaryKeyConstraint("team_id", name=op.f("pk_teams")),
    )
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        *_standing("users"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(_ROLES, name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_users_issuer_subject")),
    )
    op.create_index(op.f("ix_users_email"), "users", ["email"])
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("budget_id", sa.Text(), nullable=True),
        sa.CheckConstraint("role IN ('admin', 'user')", name=op.f("ck_memberships_role")),
        _budget("memberships"),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.team_id"], name=op.f("fk_memberships_team_id_teams")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_memberships_user_id_users")
        ),
        sa.PrimaryKeyConstraint("user_id", "team_id", name=op.f("pk_memberships")),
    )
    op.create_table(
        "end_users",
        sa.Column("end_user_id", sa.Text(), nullable=False),
        *_standing("end_users"),
        sa.PrimaryKeyConstraint("end_user_id", name=op.f("pk_end_users")),
    )


def _standing(table: str) -> tuple[sa.Column[bool] | sa.Column[str] | sa.ForeignKeyConstraint, ...]:
    """Return what every row has that can be blocked, restricted and limited."""
    boolean = sa.Boolean(create_constraint=True, name=op.f(f"ck_{table}_blocked"))
    return (
        sa.Column("blocked", boolean, server_default=sa.false(), nullable=False),
        sa.Column("models", sa.Text(), server_default="[]", nullable=False),
        sa.Column("budget_id", sa.Text(), nullable=True),
        _budget(table),
    )


def _budget(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["budget_id"], ["budgets.budget_id"], name=op.f(f"fk_{table}_budget_id_budgets")
    )


def downgrade() -> None:
    """Take the schema back to the version before: nothing."""
    for table in ("end_users", "memberships", "users", "teams", "organizations", "budgets"):
        op.drop_table(table)
