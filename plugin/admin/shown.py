"""Rows as the management service shows them, in the words that the peer's users know.

Money is dollars as an exact JSON number, durations are text, times are ISO 8601 in UTC.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from gatepass.plugin.admin.limits import AMOUNTS
from gatepass.plugin.budgets.amounts import NANO_PER_USD
from gatepass.plugin.settings.budget_text import period_text
from gatepass.rbac.budgets import Unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepass.plugin.directory.changes.records import (
        BudgetRecord,
        EndUserRecord,
        MembershipRecord,
        OrganizationMembershipRecord,
        OrganizationRecord,
        TeamRecord,
        UserRecord,
    )
    from gatepass.rbac.budgets import Limit, Raise
    from gatepass.rbac.windows import Window

Document = dict[str, object]

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def to_body(document: Document) -> bytes:
    """Return a document as JSON in UTF-8."""
    return _ENCODER.encode(document)


def _dollars(nano: int) -> Decimal | int:
    whole, rest = divmod(nano, NANO_PER_USD)
    return whole if rest == 0 else (Decimal(nano) / NANO_PER_USD).normalize()


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _limit(budget: "BudgetRecord | None") -> Document:
    """Return the members of a row that say its budget."""
    own = None if budget is None else budget.to_budget()
    return {
        **_amounts([] if own is None else own.limits),
        "budget_duration": None if own is None else _duration(own.window),
        "model_max_budget": {} if own is None else _of_models(own.limits),
        "temp_budget_increase": None,
        "temp_budget_expiry": None,
        **({} if own is None or own.raised is None else _raise(own.raised)),
        "budget_id": budget.budget_id if budget is not None and budget.named else None,
    }


def _amounts(limits: "Sequence[Limit]") -> Document:
    by_unit = {limit.unit: limit for limit in limits if limit.model is None}
    shown: Document = {}
    for name, (unit, hard) in AMOUNTS.items():
        limit = by_unit.get(unit)
        shown[name] = None if limit is None else _amount(unit, limit.hard if hard else limit.soft)
    return shown


def _amount(unit: Unit, amount: int | None) -> Decimal | int | None:
    return amount if amount is None or unit is not Unit.MONEY else _dollars(amount)


def _of_models(limits: "Sequence[Limit]") -> Document:
    shown: dict[str, Document] = {}
    for limit in limits:
        if limit.model is None:
            continue
        of_model = shown.setdefault(limit.model, {})
        for name, (unit, hard) in AMOUNTS.items():
            amount = limit.hard if hard else limit.soft
            if unit is limit.unit and amount is not None:
                of_model[name] = _amount(unit, amount)
        if limit.window is not None:
            of_model["budget_duration"] = _duration(limit.window)
    return dict(shown)


def _raise(raised: "Raise") -> Document:
    return {
        "temp_budget_increase": _dollars(raised.nano),
        "temp_budget_expiry": _time(raised.until),
    }


def _duration(window: "Window") -> str | None:
    return period_text(window).removeprefix(" per ") or None


def _share(budget: "BudgetRecord | None") -> "tuple[Decimal | int | None, str | None]":
    """Return the money of a member's limit, and its window."""
    if budget is None:
        return None, None
    own = budget.to_budget()
    money = budget.limit_nano_usd
    return None if money is None else _dollars(money), _duration(own.window)


def show_user(user: "UserRecord") -> Document:
    """Return a user's row."""
    is_bound = user.issuer is not None
    return {
        "user_id": user.user_id,
        "user_email": user.email,
        "email_state": user.email_state,
        "user_role": user.role,
        "blocked": user.blocked,
        "models": user.models,
        **_limit(user.budget),
        "home_issuer": user.home_issuer,
        "sso_user_id": user.sso_user_id,
        "invited": user.invited,
        "linked_to": {"issuer": user.issuer, "subject": user.subject} if is_bound else None,
        "created_at": _time(user.created_at),
        "version": user.version,
    }


def show_team(team: "TeamRecord") -> Document:
    """Return a team's row."""
    share, share_window = _share(team.member_budget)
    return {
        "team_id": team.team_id,
        "team_alias": team.alias,
        "organization_id": team.organization_id,
        "blocked": team.blocked,
        "models": team.models,
        **_limit(team.budget),
        "team_member_budget": share,
        "team_member_budget_duration": share_window,
        "model_aliases": team.model_aliases,
        "may_modify_guardrails": team.may_modify_guardrails,
        "created_at": _time(team.created_at),
        "version": team.version,
    }


def show_membership(member: "MembershipRecord") -> Document:
    """Return what is a member's own in a team."""
    own, window = _share(member.budget)
    return {
        "team_id": member.team_id,
        "user_id": member.user_id,
        "role": member.role,
        "models": member.models,
        "max_budget_in_team": own,
        "budget_duration": window,
        "version": member.version,
    }


def show_organization(organization: "OrganizationRecord") -> Document:
    """Return an organization's row."""
    return {
        "organization_id": organization.organization_id,
        "organization_alias": organization.alias,
        "blocked": organization.blocked,
        "models": organization.models,
        **_limit(organization.budget),
        "version": organization.version,
    }


def show_organization_membership(member: "OrganizationMembershipRecord") -> Document:
    """Return what somebody is in an organization."""
    return {
        "organization_id": member.organization_id,
        "user_id": member.user_id,
        "user_role": member.role,
        "version": member.version,
    }


def show_end_user(end_user: "EndUserRecord") -> Document:
    """Return an end user's row."""
    return {
        "user_id": end_user.end_user_id,
        "blocked": end_user.blocked,
        "models": end_user.models,
        **_limit(end_user.budget),
        "version": end_user.version,
    }


def show_budget(budget: "BudgetRecord") -> Document:
    """Return a named budget."""
    return {**_limit(budget), "budget_id": budget.budget_id, "version": budget.version}


def show_page(name: str, rows: list[Document], total: int, page: int, size: int) -> Document:
    """Return a page of a list."""
    pages = -(-total // size)
    return {name: rows, "total": total, "page": page, "page_size": size, "total_pages": pages}
