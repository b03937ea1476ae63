"""Rows as values: what the query of caller_query.py gives, read strictly.

A row that cannot be right (a limit that is not money, models that are no list) makes the store
unavailable: it is never read as "no limit" or "everything".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy.engine import RowMapping

from gatepass.plugin.budgets.limits import BudgetTemplate, check_amount
from gatepass.rbac.models import ALL_MODELS, ModelRule, compile_models
from gatepass.rbac.principals import Budget, EndUser, Member, Organization, Team, User
from gatepass.rbac.roles import Role

_ALL = "all"


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One team that the caller could act for, with what depends on it."""

    team: Team
    member: Member | None
    organization: Organization | None


@dataclass(frozen=True, slots=True)
class CallerRows:
    """Everything that is stored about a caller.

    `organization` is the one that the token names; without a name it is None, whatever the teams'.
    `role_column` is the role as it is stored, also where it does not count.
    """

    user: User | None
    role_column: Role | None
    teams: tuple[TeamRow, ...]
    organization: Organization | None
    end_user: EndUser | None

    @property
    def member_of(self) -> frozenset[str]:
        """Return the ids of those teams of which the person is a member."""
        return frozenset(row.team.team_id for row in self.teams if row.member is not None)


def read_rows(rows: Sequence[RowMapping], *, organization_named: bool) -> CallerRows:
    """Return what the rows of one caller say.

    Raises:
        ValueError: a row holds what it cannot hold.
        InvalidAmount: money in it is none.

    """
    first = rows[0]
    return CallerRows(
        user=_user(first),
        role_column=_role(first["user_role"]),
        teams=tuple(
            TeamRow(_team(row), _member(row), _organization(row))
            for row in rows
            if row["team_team_id"] is not None
        ),
        organization=_organization(first) if organization_named else None,
        end_user=_end_user(first),
    )


def models_text(patterns: Sequence[str] | None) -> str:
    """Return the stored form of model patterns; None stands for all models."""
    return json.dumps(_ALL if patterns is None else patterns)


@lru_cache(maxsize=1_000)
def read_models(text: str) -> ModelRule:
    """Return the rule that the stored form says.

    Raises:
        ValueError: it is neither the word "all" nor a list of patterns.

    """
    stored = json.loads(text)
    if stored == _ALL:
        return ALL_MODELS
    if not isinstance(stored, list) or not all(isinstance(item, str) for item in stored):
        raise ValueError("stored models are neither a list of patterns nor the word for all")
    return compile_models(stored)


@lru_cache(maxsize=1_000)
def _read_names(text: str) -> tuple[tuple[str, str], ...]:
    stored = json.loads(text)
    if not isinstance(stored, dict) or not all(isinstance(name, str) for name in stored.values()):
        raise ValueError("stored names are no object of texts")
    return tuple(stored.items())


def _role(text: str | None) -> Role | None:
    return None if text is None else Role(text)


def _user(row: RowMapping) -> User | None:
    if row["user_user_id"] is None:
        return None
    memberships = _read_names(row["user_organizations"] or "{}")
    return User(
        user_id=row["user_user_id"],
        models=read_models(row["user_models"]),
        role=None if row["user_role_synced"] else _role(row["user_role"]),
        blocked=row["user_blocked"],
        budget=_budget(row, "user"),
        organizations={organization_id: Role(role) for organization_id, role in memberships},
    )


def _team(row: RowMapping) -> Team:
    return Team(
        team_id=row["team_team_id"],
        models=read_models(row["team_models"]),
        alias=row["team_alias"],
        organization_id=row["team_organization_id"],
        blocked=row["team_blocked"],
        budget=_budget(row, "team"),
        model_aliases=dict(_read_names(row["team_model_aliases"])),
        may_modify_guardrails=row["team_may_modify_guardrails"],
    )


def _member(row: RowMapping) -> Member | None:
    if row["member_user_id"] is None:
        return None
    budget = _budget(row, "member") or _budget(row, "share")
    return Member(read_models(row["member_models"]), budget)


def _organization(row: RowMapping) -> Organization | None:
    if row["organization_organization_id"] is None:
        return None
    return Organization(
        organization_id=row["organization_organization_id"],
        models=read_models(row["organization_models"]),
        alias=row["organization_alias"],
        blocked=row["organization_blocked"],
        budget=_budget(row, "organization"),
    )


def _end_user(row: RowMapping) -> EndUser | None:
    if row["end_user_end_user_id"] is None:
        return None
    return EndUser(
        end_user_id=row["end_user_end_user_id"],
        models=read_models(row["end_user_models"]),
        blocked=row["end_user_blocked"],
        budget=_budget(row, "end_user"),
    )


def _budget(row: RowMapping, prefix: str) -> Budget | None:
    """Return the row's budget; one that is named but not there is an InvalidAmount, not None."""
    budget_id = row[f"{prefix}_budget_id"]
    if budget_id is None:
        return None
    limit = BudgetTemplate(row[f"{prefix}_limit_nano_usd"], row[f"{prefix}_window_seconds"])
    anchor = row[f"{prefix}_anchor"]
    check_amount(anchor)
    return Budget(budget_id, limit.limit_nano_usd, limit.window_seconds, anchor)
