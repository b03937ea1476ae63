"""Rows as values: the cells of the query of caller_query.py, read strictly.

A row that cannot be right (a limit that is not money, models that are no list) makes the store
unavailable: it is never read as "no limit" or "everything". Rows that many callers share are read
once as long as their text stays the same, so that whoever remembers callers remembers a team once.
Every function here raises ValueError, DecodeError or InvalidAmount for what cannot be.
"""

import json
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.json import Decoder

from gatepass.plugin.budgets.amounts import InvalidAmount
from gatepass.plugin.directory.budget_rows import to_budget
from gatepass.rbac.budgets import Budget
from gatepass.rbac.models import ALL_MODELS, ModelRule, compile_models
from gatepass.rbac.principals import EndUser, Member, Organization, Team, User
from gatepass.rbac.roles import Role

_ALL = "all"


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


_Flag = bool | int
"""SQLite's is 0 or 1, which a constraint says and a damaged file need not."""


_Money = tuple[str | int | None, ...]
"""What is in BUDGET_COLUMNS, in their order."""


class _UserCells(Struct, array_like=True):
    user_id: str
    role: Role | None
    role_synced: _Flag
    blocked: _Flag
    models: str
    organizations: dict[str, Role] | None
    budget_id: str | None
    money: _Money | None


class _TeamCells(Struct, array_like=True):
    team_id: str
    alias: str | None
    organization_id: str | None
    blocked: _Flag
    models: str
    model_aliases: str
    may_modify_guardrails: _Flag
    budget_id: str | None
    money: _Money | None
    share_id: str | None
    share: _Money | None


class _MemberCells(Struct, array_like=True):
    models: str
    budget_id: str | None
    money: _Money | None


class _OrganizationCells(Struct, array_like=True):
    organization_id: str
    alias: str | None
    blocked: _Flag
    models: str
    budget_id: str | None
    money: _Money | None


class _EndUserCells(Struct, array_like=True):
    end_user_id: str
    blocked: _Flag
    models: str
    budget_id: str | None
    money: _Money | None


_read_names = Decoder(dict[str, str]).decode
_read_user = Decoder(_UserCells).decode
_read_team = Decoder(_TeamCells).decode
_read_member = Decoder(_MemberCells).decode
_read_organization = Decoder(_OrganizationCells).decode
_read_end_user = Decoder(_EndUserCells).decode


def to_user(text: str) -> tuple[User, Role | None]:
    """Return a person, and the role as it is stored, also where it does not count."""
    cells = _read_user(text)
    user = User(
        user_id=cells.user_id,
        models=read_models(cells.models),
        role=None if cells.role_synced else cells.role,
        blocked=bool(cells.blocked),
        budget=_budget(cells.budget_id, cells.money),
        organizations=cells.organizations or {},
    )
    return user, cells.role


@lru_cache(maxsize=1_000)
def to_team(text: str) -> tuple[Team, Budget | None]:
    """Return a team, and what it grants each of its members."""
    cells = _read_team(text)
    team = Team(
        team_id=cells.team_id,
        models=read_models(cells.models),
        alias=cells.alias,
        organization_id=cells.organization_id,
        blocked=bool(cells.blocked),
        budget=_budget(cells.budget_id, cells.money),
        model_aliases=_read_names(cells.model_aliases),
        may_modify_guardrails=bool(cells.may_modify_guardrails),
    )
    return team, _budget(cells.share_id, cells.share)


@lru_cache(maxsize=1_000)
def to_member(text: str, share: Budget | None) -> Member:
    """Return a membership; `share` counts for a member without a limit of their own."""
    cells = _read_member(text)
    return Member(read_models(cells.models), _budget(cells.budget_id, cells.money) or share)


@lru_cache(maxsize=1_000)
def to_organization(text: str) -> Organization:
    """Return an organization."""
    cells = _read_organization(text)
    return Organization(
        organization_id=cells.organization_id,
        models=read_models(cells.models),
        alias=cells.alias,
        blocked=bool(cells.blocked),
        budget=_budget(cells.budget_id, cells.money),
    )


def to_end_user(text: str) -> EndUser:
    """Return an end user."""
    cells = _read_end_user(text)
    return EndUser(
        end_user_id=cells.end_user_id,
        models=read_models(cells.models),
        blocked=bool(cells.blocked),
        budget=_budget(cells.budget_id, cells.money),
    )


def _budget(budget_id: str | None, money: _Money | None) -> Budget | None:
    """Return the row's budget; one that is named but not there is an InvalidAmount, not None."""
    if budget_id is None:
        return None
    if money is None:
        raise InvalidAmount
    return to_budget(budget_id, money)
