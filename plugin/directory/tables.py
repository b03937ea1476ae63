"""The tables of the directory, in types that SQLite and PostgreSQL share.

The newest migration makes exactly this; a test compares the two. Money is BIGINT nano-dollars,
times are BIGINT seconds since the epoch, `models` is JSON text: the word "all" or a list of
patterns. E-mail addresses are in lower case; an address that its issuer verified is one row's
alone, one that a token merely asserted is never matched with anybody's. `version` counts what was
done to a row, so that nobody overwrites what they have not seen.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from gatepass.plugin.budgets import tables as budget_tables  # noqa: F401 - the same schema's
from gatepass.plugin.directory.metadata import metadata
from gatepass.rbac.linking import EmailState, Evidence
from gatepass.rbac.roles import Role
from gatepass.rbac.windows import Period

VERSION_TABLE = "gatepass_schema"
"""Where the schema's version stands: a name of our own, so that the tables of another application
that uses Alembic are never taken for ours."""

MEMBER_ROLES = ("admin", "user")
"""What a member is to a team, in the peer's words."""

AUDIT_ACTIONS = ("create", "update", "delete", "block", "unblock")

LINK_ACTIONS = ("created", "linked", "unlinked", "relinked")
LINK_EVIDENCE = (*(str(evidence) for evidence in Evidence), "upsert", "operator")


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _flag(name: str) -> Column[bool]:
    boolean = Boolean(create_constraint=True, name=name)
    return Column(name, boolean, nullable=False, server_default=false())


def _models(default: str = "[]") -> Column[str]:
    return Column("models", Text, nullable=False, server_default=default)


def _version() -> Column[int]:
    return Column("version", Integer, nullable=False, server_default="1")


def _entry() -> Column[int]:
    return Column("entry", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _budget_id(name: str = "budget_id") -> Column[str]:
    return Column(name, Text, ForeignKey("budgets.budget_id"))


_BUDGET_AMOUNTS = (
    *("soft_nano_usd", "limit_tokens", "soft_tokens", "limit_requests", "soft_requests"),
    *("raised_until", "raised_nano_usd", "raised_tokens", "raised_requests"),
)

budgets = Table(
    "budgets",
    metadata,
    Column("budget_id", Text, primary_key=True),
    Column("limit_nano_usd", BigInteger),
    Column("window_seconds", BigInteger),
    Column("anchor", BigInteger, nullable=False),
    _flag("named"),
    _version(),
    Column("calendar_period", Text),
    Column("time_zone", Text),
    *(Column(name, BigInteger) for name in _BUDGET_AMOUNTS),
    Column("model_limits", Text, nullable=False, server_default="[]"),
    CheckConstraint("limit_nano_usd >= 0", name="limit_nano_usd"),
    CheckConstraint("window_seconds > 0", name="window_seconds"),
    CheckConstraint(
        " AND ".join(f"coalesce({name}, 0) >= 0" for name in _BUDGET_AMOUNTS), name="amounts"
    ),
    _one_of("calendar_period", tuple(Period)),
    CheckConstraint("window_seconds IS NULL OR calendar_period IS NULL", name="one_window"),
    CheckConstraint("(calendar_period IS NULL) = (time_zone IS NULL)", name="time_zone"),
)
"""What the columns mean stands in budget_rows.py. A window is a number of seconds counted from the
anchor, or a span of the calendar in a time zone; without both it never ends. A budget
that is `named` stands by itself, and several rows may go by it; any other is one row's and goes
with that row."""

organizations = Table(
    "organizations",
    metadata,
    Column("organization_id", Text, primary_key=True),
    Column("alias", Text),
    _flag("blocked"),
    _models(),
    _budget_id(),
    _version(),
    Index(None, "alias"),
    Index(None, "budget_id"),
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
    _version(),
    Index(None, "alias"),
    Index(None, "organization_id"),
    Index(None, "budget_id"),
    Index(None, "member_budget_id"),
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
    _version(),
    UniqueConstraint("issuer", "subject"),
    UniqueConstraint("home_issuer", "sso_user_id"),
    CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="bound"),
    CheckConstraint("email = lower(email)", name="email"),
    CheckConstraint("(email IS NULL) = (email_state IS NULL)", name="email_known"),
    _one_of("email_state", tuple(EmailState)),
    _one_of("role", tuple(Role)),
    Index(None, "email"),
    Index(None, "sso_user_id"),
    Index(None, "role"),
    Index(None, "budget_id"),
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
    _version(),
    _one_of("role", MEMBER_ROLES),
    Index(None, "team_id", "user_id"),
    Index(None, "budget_id"),
)

organization_memberships = Table(
    "organization_memberships",
    metadata,
    Column("user_id", Text, ForeignKey("users.user_id"), primary_key=True),
    Column("organization_id", Text, ForeignKey("organizations.organization_id"), primary_key=True),
    Column("role", Text, nullable=False),
    _version(),
    _one_of("role", tuple(Role)),
    Index(None, "organization_id"),
)

links = Table(
    "links",
    metadata,
    _entry(),
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
    _version(),
    Index(None, "budget_id"),
)

audit = Table(
    "audit",
    metadata,
    _entry(),
    Column("actor_issuer", Text),
    Column("actor_subject", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("row_id", Text, nullable=False),
    Column("group_id", Text),
    Column("before", Text),
    Column("after", Text),
    Column("at", BigInteger, nullable=False),
    _one_of("action", AUDIT_ACTIONS),
    Index(None, "kind", "row_id"),
)
"""Every change of a row that somebody asked for: who, what, before and after as JSON, when. An
actor without an issuer is whoever ran a command. `group_id` is the team or the organization of a
membership. Outlives the rows it speaks of."""

answers = Table(
    "answers",
    metadata,
    Column("actor_issuer", Text, primary_key=True),
    Column("actor_subject", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index(None, "at"),
)
"""What was answered to requests that carried an idempotency key; the request by its digest."""
