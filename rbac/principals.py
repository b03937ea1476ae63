"""The stored rows behind a caller, as values: what the directory hands to the rules.

`models` is a compiled `ModelRule`; there is no list that means "all". `budget` None limits nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from gatepass.rbac.budgets import Budget
from gatepass.rbac.models import ModelRule
from gatepass.rbac.roles import Role


@dataclass(frozen=True, slots=True)
class User:
    """A person's row; `role` None means that the row asserts none.

    `organizations` are the organizations that the person is a member of, with the role there.
    """

    user_id: str
    models: ModelRule
    role: Role | None = None
    blocked: bool = False
    budget: Budget | None = None
    organizations: Mapping[str, Role] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Team:
    """A team's row.

    `model_aliases` are the team's own names for models. `may_modify_guardrails` lets its members
    change what guards their requests.
    """

    team_id: str
    models: ModelRule
    alias: str | None = None
    organization_id: str | None = None
    blocked: bool = False
    budget: Budget | None = None
    model_aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    may_modify_guardrails: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """What holds for one person in one team: a further model rule, and a share of the money.

    `budget` is the member's own, else what the team grants each of its members.
    """

    models: ModelRule
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization's row."""

    organization_id: str
    models: ModelRule
    alias: str | None = None
    blocked: bool = False
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class EndUser:
    """A customer's row; customers without a row are not restricted."""

    end_user_id: str
    models: ModelRule
    blocked: bool = False
    budget: Budget | None = None


class Principals(msgspec.Struct, frozen=True):
    """Everything stored about one caller; a part that the token does not name is None.

    `member` is the person's membership in `team`, when there are both and it is stored. `share` is
    what `team` grants each of its members, for whoever has no membership: the token alone puts them
    there.
    """

    user: User | None = None
    team: Team | None = None
    organization: Organization | None = None
    end_user: EndUser | None = None
    member: Member | None = None
    share: Budget | None = None
