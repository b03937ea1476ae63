"""What stands in a file or behind an option for each field: text in, the value of a row out.

The same words for both: budgets as in the settings ("$50 per 30d"), models as the word "all" or
patterns, and `budget_id` for a named budget that several rows go by. Nothing stands for no value.
A budget and what it says of single models are two names of one field (`budget_parts`).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.declared.budget_values import (
    ModelBudgets,
    to_model_budgets,
    to_whole_budget,
    together,
)
from gatepass.plugin.declared.rows import ALL, NONE, Kind, Value
from gatepass.plugin.directory.changes.money import NamedBudget
from gatepass.plugin.directory.tables import MEMBER_ROLES
from gatepass.plugin.settings.problems import BadValue, Finding
from gatepass.plugin.settings.values import to_flag, to_role, to_text
from gatepass.rbac.addresses import is_address
from gatepass.rbac.claims import MAX_TEXT_CHARS
from gatepass.rbac.models import compile_models

Read = Value | ModelBudgets
_WORDS = frozenset({ALL, NONE})
Check = Callable[[object], Read]


def to_id(value: object) -> str:
    """Return an id that a token can name."""
    text = to_text(value)
    if len(text) > MAX_TEXT_CHARS:
        raise BadValue(f"longer than {MAX_TEXT_CHARS} characters")
    return text


def to_email(value: object) -> str:
    """Return an e-mail address in lower case."""
    text = to_text(value)
    if not is_address(text):
        raise BadValue("not plainly an e-mail address")
    return text.lower()


def to_models(value: object) -> Value:
    """Return the word "all", or patterns; none at all is an empty list."""
    if value == ALL:
        return ALL
    if not isinstance(value, list):
        raise BadValue('must be a list of model patterns, or the word "all"')
    patterns = tuple(to_text(pattern) for pattern in value)
    if not _WORDS.isdisjoint(pattern.lower() for pattern in patterns):
        raise BadValue('the word "all" stands without a list, and none is an empty list')
    try:
        compile_models(patterns)
    except ValueError as wrong:
        raise BadValue(str(wrong)) from wrong
    return patterns


def to_home_issuer(value: object) -> str | None:
    """Return an issuer, None for the word "none": the row's ids are nobody's then."""
    return None if value is None or value == NONE else to_text(value)


def to_named_budget(value: object) -> Value:
    """Return a budget by its id."""
    return NamedBudget(to_id(value))


def to_member_role(value: object) -> str:
    """Return what a member is to a team."""
    role = to_text(value)
    if role not in MEMBER_ROLES:
        raise BadValue(f"must be one of {', '.join(MEMBER_ROLES)}")
    return role


def to_names(value: object) -> Value:
    """Return names for models, each with the model that it stands for."""
    if not isinstance(value, dict):
        raise BadValue("must be a mapping of names to models")
    return {to_text(name): to_text(model) for name, model in value.items()}


def or_nothing(check: Check) -> Check:
    """Return a check that lets the field have no value, too."""

    def with_nothing(value: object) -> Read:
        return None if value is None else check(value)

    return with_nothing


_MONEY: Mapping[str, tuple[str, Check]] = {
    "budget": ("budget", or_nothing(to_whole_budget)),
    "model_budgets": ("model_budgets", to_model_budgets),
    "budget_id": ("budget", to_named_budget),
}
_GRANTS: Mapping[str, tuple[str, Check]] = {
    "blocked": ("blocked", to_flag),
    "models": ("models", to_models),
    **_MONEY,
}
READERS: Final[Mapping[Kind, Mapping[str, tuple[str, Check]]]] = MappingProxyType(
    {
        Kind.BUDGET: {
            "limit": ("limit", to_whole_budget),
            "model_limits": ("model_limits", to_model_budgets),
        },
        Kind.ORGANIZATION: {"alias": ("alias", or_nothing(to_text)), **_GRANTS},
        Kind.TEAM: {
            "alias": ("alias", or_nothing(to_text)),
            "organization": ("organization_id", or_nothing(to_id)),
            **_GRANTS,
            "member_budget": ("member_budget", or_nothing(to_whole_budget)),
            "member_budget_id": ("member_budget", to_named_budget),
            "model_aliases": ("model_aliases", to_names),
            "may_modify_guardrails": ("may_modify_guardrails", to_flag),
        },
        Kind.USER: {
            "email": ("email", or_nothing(to_email)),
            "home_issuer": ("home_issuer", to_home_issuer),
            "sso_user_id": ("sso_user_id", or_nothing(to_id)),
            "invited": ("invited", to_flag),
            "role": ("role", or_nothing(to_role)),
            **_GRANTS,
        },
        Kind.ORGANIZATION_MEMBER: {"role": ("role", to_role)},
        Kind.MEMBER: {
            "role": ("role", to_member_role),
            "models": ("models", to_models),
            **_MONEY,
        },
        Kind.CUSTOMER: _GRANTS,
    }
)
"""For each kind the names that people write, the field that each is, and how it is read."""


_PARTS = {"model_budgets": "budget", "model_limits": "limit"}


def joined(read: Mapping[str, Read]) -> dict[str, Value]:
    """Return the fields of a row, with what its budget says of single models in the budget.

    Raises:
        BadValue: a named budget is to say something of single models for one row.

    """
    fields = {name: value for name, value in read.items() if not isinstance(value, ModelBudgets)}
    for name, value in read.items():
        if isinstance(value, ModelBudgets):
            whole = fields.get(_PARTS[name])
            if whole is not None and not isinstance(whole, BudgetTemplate):
                raise BadValue(Finding((name,), "a named budget says this of all rows that it has"))
            fields[_PARTS[name]] = together(whole, value)
    return fields
