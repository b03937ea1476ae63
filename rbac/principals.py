"""The stored rows behind a caller, as values: what the directory hands to the rules.

Money is an integer number of nano-dollars. A limit of 0 means that nothing may be spent; no limit
is `None`, never a number. `models` is a compiled `ModelRule`; there is no list that means "all".
"""

from dataclasses import dataclass

import msgspec

from gatepass.rbac.models import ModelRule
from gatepass.rbac.roles import Role


@dataclass(frozen=True, slots=True)
class Budget:
    """A money limit: `limit_nano_usd` per `window_seconds`, or for ever when that is None.

    `anchor` is the start of the first window in seconds since the epoch, stored at creation.
    """

    budget_id: str
    limit_nano_usd: int
    window_seconds: int | None
    anchor: int


@dataclass(frozen=True, slots=True)
class User:
    """A person's row; `role` None means that the row asserts none."""

    user_id: str
    models: ModelRule
    role: Role | None = None
    blocked: bool = False
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """A team's row."""

    team_id: str
    models: ModelRule
    organization_id: str | None = None
    blocked: bool = False
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization's row."""

    organization_id: str
    models: ModelRule
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class EndUser:
    """A customer's row; customers without a row are not restricted."""

    end_user_id: str
    models: ModelRule
    blocked: bool = False


class Principals(msgspec.Struct, frozen=True):
    """Everything stored about one caller; a part that the token does not name is None."""

    user: User | None = None
    team: Team | None = None
    organization: Organization | None = None
    end_user: EndUser | None = None
