"""The tables of the directory, in types that SQLite and PostgreSQL share.

The newest migration makes exactly this; a test compares the two. Money is BIGINT nano-dollars,
times are BIGINT seconds since the epoch, `models` is JSON text: the word "all" or a list of
patterns. An e-mail address is stored only when its issuer verified it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from gatepass.rbac.roles import Role

VERSION_TABLE = "gatepass_schema"
"""Where the schema's version stands: a name of our own, so that the tables of another application
that uses Alembic are never taken for ours."""

MEMBER_ROLES = ("admin", "user")
"""What a member is to a team, in the peer's words."""

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


def _blocked() -> Column[bool]:
    boolean = Boolean(create_constraint=True, name="blocked")
    return Column("blocked", boolean, nullable=False, server_default=false())


def _models() -> Column[str]:
    return Column("models", Text, nullable=False, server_default="[]")


def _budget_id() -> Column[str]:
    return Column("budget_id", Text, ForeignKey("budgets.budget_id"))


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
    _blocked(),
    _models(),
    _budget_id(),
)

teams = Table(
    "teams",
    metadata,
    Column("team_id", Text, primary_key=True),
    Column("alias", Text),
    Column("organization_id", Text, ForeignKey("organizations.organization_id")),
    _blocked(),
    _models(),
    _budget_id(),
    Column("created_at", BigInteger, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("email", Text),
    Column("role", Text),
    _blocked(),
    _models(),
    _budget_id(),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("issuer", "subject"),
    Index(None, "email"),
    _one_of("role", tuple(Role)),
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id"), primary_key=True),
    Column("team_id", Text, ForeignKey("teams.team_id"), primary_key=True),
    Column("role", Text, nullable=False),
    _budget_id(),
    _one_of("role", MEMBER_ROLES),
)

end_users = Table(
    "end_users",
    metadata,
    Column("end_user_id", Text, primary_key=True),
    _blocked(),
    _models(),
    _budget_id(),
)
