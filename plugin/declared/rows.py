"""Rows as somebody wants them: what was said of each, and nothing that was not.

A field that is not there is left as it is stored, or starts as `DEFAULTS` say in a new row. Fields
have the names that they have in gatepass.plugin.directory.changes, which writes them. Who a row
belongs to (its issuer and subject) is never said here: that is for linking alone.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.changes.money import NamedBudget
from gatepass.rbac.roles import Role

ALL: Final = "all"
"""The word for every model."""

NONE: Final = "none"
"""The word for no model, and for a row whose ids are no issuer's."""


class Kind(StrEnum):
    """What a row is; each refers only to kinds that stand before it."""

    BUDGET = "budget"
    ORGANIZATION = "organization"
    TEAM = "team"
    USER = "user"
    ORGANIZATION_MEMBER = "organization member"
    MEMBER = "member"
    CUSTOMER = "customer"


Value = str | bool | tuple[str, ...] | Mapping[str, str] | BudgetTemplate | NamedBudget | None
Fields = Mapping[str, Value]


class RowId(NamedTuple):
    """Which row is meant; a member by the user's id, and then the team's or organization's."""

    kind: Kind
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return the key as people read it: the group before its member."""
        return "/".join(reversed(self.key))


Rows = Mapping[RowId, Fields]

_GRANTS: Fields = {"blocked": False, "models": (), "budget": None}
DEFAULTS: Final[Mapping[Kind, Fields]] = MappingProxyType(
    {
        Kind.BUDGET: {"limit": None},
        Kind.ORGANIZATION: {"alias": None, **_GRANTS},
        Kind.TEAM: {
            "alias": None,
            "organization_id": None,
            **_GRANTS,
            "member_budget": None,
            "model_aliases": {},
            "may_modify_guardrails": False,
        },
        Kind.USER: {
            "email": None,
            "home_issuer": None,
            "sso_user_id": None,
            "invited": False,
            "role": None,
            **_GRANTS,
        },
        Kind.ORGANIZATION_MEMBER: {"role": Role.INTERNAL_USER},
        Kind.MEMBER: {"role": "user", "models": ALL, "budget": None},
        Kind.CUSTOMER: _GRANTS,
    }
)
"""Every field of a kind, in the order in which people read them, and what a new row has in it."""


def referred_to(row: RowId, fields: Fields) -> list[RowId]:
    """Return the rows that must be there for this one."""
    found: list[RowId] = []
    if row.kind in {Kind.MEMBER, Kind.ORGANIZATION_MEMBER}:
        group = Kind.TEAM if row.kind is Kind.MEMBER else Kind.ORGANIZATION
        found += [RowId(group, row.key[1:]), RowId(Kind.USER, row.key[:1])]
    organization = fields.get("organization_id")
    if isinstance(organization, str):
        found.append(RowId(Kind.ORGANIZATION, (organization,)))
    for name in ("budget", "member_budget"):
        money = fields.get(name)
        if isinstance(money, NamedBudget):
            found.append(RowId(Kind.BUDGET, (money.budget_id,)))
    return found
