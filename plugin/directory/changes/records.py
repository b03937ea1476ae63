"""Rows as they are shown and audited: everything that is stored of each, with its budget.

Money is in nano-dollars, times are in seconds. `models` is the word "all" or a list of patterns.
"""

import json
from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec
from sqlalchemy.engine import RowMapping

from gatepass.plugin.budgets.amounts import InvalidAmount
from gatepass.plugin.directory.budget_rows import BUDGET_COLUMNS, to_budget
from gatepass.plugin.directory.rows import read_models
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.budgets import Budget
from gatepass.rbac.linking import EmailState
from gatepass.rbac.roles import Role

Models = tuple[str, ...] | Literal["all"]
MemberRole = Literal["admin", "user"]


class BudgetRecord(msgspec.Struct, frozen=True):
    """The columns of a budget, which budget_rows.py explains; `named`: it stands by itself."""

    budget_id: str
    limit_nano_usd: int | None
    soft_nano_usd: int | None
    limit_tokens: int | None
    soft_tokens: int | None
    limit_requests: int | None
    soft_requests: int | None
    window_seconds: int | None
    anchor: int
    calendar_period: str | None
    time_zone: str | None
    model_limits: str
    raised_until: int | None
    raised_nano_usd: int | None
    raised_tokens: int | None
    raised_requests: int | None
    named: bool
    version: int

    def to_budget(self) -> Budget:
        """Return what the budget allows.

        Raises:
            StoreUnavailable: a column holds what it cannot hold.

        """
        try:
            return to_budget(self.budget_id, [getattr(self, name) for name in BUDGET_COLUMNS])
        except (ValueError, InvalidAmount) as error:
            raise StoreUnavailable from error


class UserRecord(msgspec.Struct, frozen=True):
    """A person's row; bound when it has an issuer and a subject."""

    user_id: str
    home_issuer: str | None
    issuer: str | None
    subject: str | None
    sso_user_id: str | None
    email: str | None
    email_state: EmailState | None
    invited: bool
    role: Role | None
    role_synced: bool
    blocked: bool
    models: Models
    budget: BudgetRecord | None
    created_at: int
    version: int


class TeamRecord(msgspec.Struct, frozen=True):
    """A team's row; `member_budget` is each member's who has no other."""

    team_id: str
    alias: str | None
    organization_id: str | None
    blocked: bool
    models: Models
    budget: BudgetRecord | None
    member_budget: BudgetRecord | None
    model_aliases: dict[str, str]
    may_modify_guardrails: bool
    created_at: int
    version: int


class MembershipRecord(msgspec.Struct, frozen=True):
    """What holds for one person in one team."""

    user_id: str
    team_id: str
    role: MemberRole
    models: Models
    budget: BudgetRecord | None
    version: int


class OrganizationRecord(msgspec.Struct, frozen=True):
    """An organization's row."""

    organization_id: str
    alias: str | None
    blocked: bool
    models: Models
    budget: BudgetRecord | None
    version: int


class OrganizationMembershipRecord(msgspec.Struct, frozen=True):
    """What one person is in one organization."""

    user_id: str
    organization_id: str
    role: Role
    version: int


class EndUserRecord(msgspec.Struct, frozen=True):
    """A customer's row."""

    end_user_id: str
    blocked: bool
    models: Models
    budget: BudgetRecord | None
    version: int


Record = (
    BudgetRecord
    | UserRecord
    | TeamRecord
    | MembershipRecord
    | OrganizationRecord
    | OrganizationMembershipRecord
    | EndUserRecord
)
AnyRecord = TypeVar("AnyRecord", bound=Record)


def read_record(row: RowMapping, record: type[AnyRecord], money: Sequence[str] = ()) -> AnyRecord:
    """Return a row as a record; `money` are the record's members that are budgets.

    Raises:
        StoreUnavailable: the row holds what it cannot hold.

    """
    values: dict[str, object] = {name: row[name] for name in _plain(record) if name not in money}
    try:
        for name in ("models", "model_aliases"):
            if name in values:
                values[name] = json.loads(str(values[name]))
        if "models" in values:
            read_models(row["models"])
        for name in money:
            values[name] = _budget(row, name)
        return msgspec.convert(values, record)
    except (ValueError, msgspec.ValidationError) as error:
        raise StoreUnavailable from error


def _plain(record: type[msgspec.Struct]) -> tuple[str, ...]:
    return record.__struct_fields__


def _budget(row: RowMapping, name: str) -> dict[str, object] | None:
    if row[f"{name}_id"] is None:
        return None
    return {member: row[f"{name}__{member}"] for member in _plain(BudgetRecord)}


def to_json(record: Record) -> str:
    """Return a record as the text of a JSON object."""
    return msgspec.json.encode(record).decode()
