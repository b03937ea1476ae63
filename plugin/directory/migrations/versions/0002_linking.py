"""Unbound users, the journal of links, members' models, organizations' members, teams' own names.

Three tables change in ways that SQLite cannot do in place. They are made anew from copies of what
they held, without the references to them in between.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROLES = (
    "role IN ('proxy_admin', 'proxy_admin_viewer', 'org_admin', 'team', 'internal_user', "
    "'internal_user_viewer', 'end_user')"
)
_EVIDENCE = (
    "evidence IN ('subject', 'user_id', 'sso_user_id', 'verified_email', 'upsert', 'operator')"
)
_CHANGED = ("memberships", "users", "teams")
_FILL_TEAMS = """
    INSERT INTO teams (team_id, alias, organization_id, blocked, models, budget_id, created_at)
    SELECT team_id, alias, organization_id, blocked, models, budget_id, created_at FROM old_teams
"""
_FILL_USERS = """
    INSERT INTO users (user_id, home_issuer, issuer, subject, email, email_state, role, blocked,
        models, budget_id, created_at)
    SELECT user_id, issuer, issuer, subject, email,
        CASE WHEN email IS NULL THEN NULL
            WHEN email IN (SELECT email FROM old_users GROUP BY email HAVING count(*) > 1)
                THEN 'entered'
            ELSE 'verified' END,
        role, blocked, models, budget_id, created_at FROM old_users
"""
_FILL_MEMBERSHIPS = """
    INSERT INTO memberships (user_id, team_id, role, budget_id)
    SELECT user_id, team_id, role, budget_id FROM old_memberships
"""


def upgrade() -> None:
    """Take the schema to this version; who was made by a token stays that token's.

    An address that stands in several rows belongs to none of them.
    """
    for table in _CHANGED:
        op.execute(f"CREATE TABLE old_{table} AS SELECT * FROM {table}")  # noqa: S608 - names of ours
        op.drop_table(table)
    _make_teams()
    _make_users()
    _make_memberships()
    op.execute(_FILL_TEAMS)
    op.execute(_FILL_USERS)
    op.execute(_FILL_MEMBERSHIPS)
    for table in _CHANGED:
        op.drop_table(f"old_{table}")
    op.create_index(op.f("ix_organizations_alias"), "organizations", ["alias"])
    op.create_table(
        "organization_memberships",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint(_ROLES, name=op.f("ck_organization_memberships_role")),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.organization_id"],
            name=op.f("fk_organization_memberships_organization_id_organizations"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_organization_memberships_user_id_users")
        ),
        sa.PrimaryKeyConstraint(
            "user_id", "organization_id", name=op.f("pk_organization_memberships")
        ),
    )
    op.create_table(
        "links",
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "action IN ('created', 'linked', 'unlinked', 'relinked')", name=op.f("ck_links_action")
        ),
        sa.CheckConstraint(_EVIDENCE, name=op.f("ck_links_evidence")),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_user_id"), "links", ["user_id"])


def _make_teams() -> None:
    op.create_table(
        "teams",
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Text(), nullable=True),
        _flag("teams", "blocked"),
        sa.Column("models", sa.Text(), server_default="[]", nullable=False),
        sa.Column("budget_id", sa.Text(), nullable=True),
        sa.Column("member_budget_id", sa.Text(), nullable=True),
        sa.Column("model_aliases", sa.Text(), server_default="{}", nullable=False),
        _flag("teams", "may_modify_guardrails"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _budget("teams"),
        _budget("teams", "member_budget_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.organization_id"],
            name=op.f("fk_teams_organization_id_organizations"),
        ),
        sa.PrimaryKeyConstraint("team_id", name=op.f("pk_teams")),
    )
    op.create_index(op.f("ix_teams_alias"), "teams", ["alias"])


def _make_users() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("home_issuer", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("sso_user_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_state", sa.Text(), nullable=True),
        _flag("users", "invited"),
        sa.Column("role", sa.Text(), nullable=True),
        _flag("users", "role_synced"),
        _flag("users", "blocked"),
        sa.Column("models", sa.Text(), server_default="[]", nullable=False),
        sa.Column("budget_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _budget("users"),
        sa.CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name=op.f("ck_users_bound")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email")),
        sa.CheckConstraint(
            "(email IS NULL) = (email_state IS NULL)", name=op.f("ck_users_email_known")
        ),
        sa.CheckConstraint(
            "email_state IN ('asserted', 'entered', 'verified')", name=op.f("ck_users_email_state")
        ),
        sa.CheckConstraint(_ROLES, name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_users_issuer_subject")),
        sa.UniqueConstraint(
            "home_issuer", "sso_user_id", name=op.f("uq_users_home_issuer_sso_user_id")
        ),
    )
    op.create_index(op.f("ix_users_email"), "users", ["email"])
    op.create_index(op.f("ix_users_sso_user_id"), "users", ["sso_user_id"])
    verified = sa.text("email_state = 'verified'")
    op.create_index(
        "uq_users_verified_email",
        "users",
        ["email"],
        unique=True,
        sqlite_where=verified,
        postgresql_where=verified,
    )


def _make_memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("models", sa.Text(), server_default='"all"', nullable=False),
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


def _flag(table: str, column: str) -> sa.Column[bool]:
    boolean = sa.Boolean(create_constraint=True, name=op.f(f"ck_{table}_{column}"))
    return sa.Column(column, boolean, server_default=sa.false(), nullable=False)


def _budget(table: str, column: str = "budget_id") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["budgets.budget_id"], name=op.f(f"fk_{table}_{column}_budgets")
    )


def downgrade() -> None:
    """Refuse: a user without an issuer has no place in the version before.

    Raises:
        NotImplementedError: always; restore the copy that was made before the upgrade.

    """
    raise NotImplementedError("restore the copy that was made before the upgrade")
