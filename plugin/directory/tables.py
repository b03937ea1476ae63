"""The tables of the directory, in types that SQLite and PostgreSQL share.

The newest migration makes exactly this; a test compares the two. Money is BIGINT nano-dollars,
times are BIGINT seconds since the epoch, `models` is JSON text: the word "all" or a list of
patterns. E-mail addresses are in lower case; an address that its issuer verified is one row's
alone, one that a token merely asserted is never matched with anybody's.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from gatepass.rbac.linking import EmailState, Evidence
from gatepass.rbac.roles import Role

VERSION_TABLE = "gatepass_schema"
"""Where the schema's version stands: a name of our own, so that the tables of another application
that uses Alembic are never taken for ours."""

MEMBER_ROLES = ("admin", "user")
"""What a member is to a team, in the peer's words."""

LINK_ACTIONS = ("created", "linked", "unlinked", "relinked")
LINK_EVIDENCE = (*(str(evidence) for evidence in Evidence), "upsert", "operator")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _flag(name: str) -> Column[bool]:
    boolean = Boolean(create_constraint=True, name=name)
    return Column(name, boolean, nullable=False, server_default=false())


def _models(default: str = "[]") -> Column[str]:
    return Column("models", Text, nullable=False, server_default=default)


def _budget_id(name: str = "budget_id") -> Column[str]:
    return Column(name, Text, ForeignKey("budgets.budget_id"))


budgets = Table(
    "budgets",
    metadata,
    Column("budget_id", Text, primary_key=True),
    Column("limit_nano_usd", BigInteger, nullable=False),
    Column("window_seconds", BigInteger),
    Column("anchor", BigInteger, nullable=False),
    CheckConstraint("limit_nano_usd >= 0", name="limit_nano_usd"),
    CheckConstraint("window_seconds > 0", name="window_seconds"),
)

organizations = Table(
    "organizations",
    metadata,
    Column("organization_id", Text, primary_key=True),
    Column("alias", Text),
    _flag("blocked"),
    _models(),
    _budget_id(),
    Index(None, "alias"),
)

teams = Table(
    "teams",
    metadata,
    Column("team_id", Text, primary_key=True),
    Column("alias", Text),
    Column("organization_id", Text, ForeignKey("organizations.organization_id")),
    _flag("blocked"),
    _models(),
    _budget_id(),
    _budget_id("member_budget_id"),
    Column("model_aliases", Text, nullable=False, server_default="{}"),
    _flag("may_modify_guardrails"),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "alias"),
)
"""`member_budget_id` is the limit and the window that each member has who has no other."""

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("home_issuer", Text),
    Column("issuer", Text),
    Column("subject", Text),
    Column("sso_user_id", Text),
    Column("email", Text),
    Column("email_state", Text),
    _flag("invited"),
    Column("role", Text),
    _flag("role_synced"),
    _flag("blocked"),
    _models(),
    _budget_id(),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("issuer", "subject"),
    UniqueConstraint("home_issuer", "sso_user_id"),
    CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="bound"),
    CheckConstraint("email = lower(email)", name="email"),
    CheckConstraint("(email IS NULL) = (email_state IS NULL)", name="email_known"),
    _one_of("email_state", tuple(EmailState)),
    _one_of("role", tuple(Role)),
    Index(None, "email"),
    Index(None, "sso_user_id"),
    Index(
        "uq_users_verified_email",
        "email",
        unique=True,
        sqlite_where=text("email_state = 'verified'"),
        postgresql_where=text("email_state = 'verified'"),
    ),
)
"""A row is bound when it has an issuer and a subject: whose tokens are its. `home_issuer` is the
issuer whose ids `user_id` and `sso_user_id` are. `role_synced` says that `role` is a copy of what a
token asserted, which counts only as long as a token says it."""

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id"), primary_key=True),
    Column("team_id", Text, ForeignKey("teams.team_id"), primary_key=True),
    Column("role", Text, nullable=False),
    _models('"all"'),
    _budget_id(),
    _one_of("role", MEMBER_ROLES),
)

organization_memberships = Table(
    "organization_memberships",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id"), primary_key=True),
    Column("organization_id", Text, ForeignKey("organizations.organization_id"), primary_key=True),
    Column("role", Text, nullable=False),
    _one_of("role", tuple(Role)),
)

links = Table(
    "links",
    metadata,
    Column("entry", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("email", Text),
    Column("at", BigInteger, nullable=False),
    _one_of("action", LINK_ACTIONS),
    _one_of("evidence", LINK_EVIDENCE),
    Index(None, "user_id"),
)
"""Who was joined to which row, on what evidence and when; outlives the rows it speaks of."""

end_users = Table(
    "end_users",
    metadata,
    Column("end_user_id", Text, primary_key=True),
    _flag("blocked"),
    _models(),
    _budget_id(),
)
