"""Who asks and about whom: an administrator, a team's place, a person; and what may be seen.

Memberships count for the roles org_admin and internal_user alone, so that a token that says less
than the rows do may do less. What may be changed stands in administration.py.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gatepass.rbac.roles import PROXY_ADMINS, Role

TeamRole = Literal["admin", "user"]

_BY_MEMBERSHIP = frozenset({Role.ORG_ADMIN, Role.INTERNAL_USER})


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who asks: the role that counts, the person if it is one, and what they belong to.

    `organizations` and `teams` are the memberships by id; `acting_team` is the team that a machine
    acts for.
    """

    role: Role
    user_id: str | None = None
    organizations: Mapping[str, Role] = field(default_factory=dict)
    teams: Mapping[str, TeamRole] = field(default_factory=dict)
    acting_team: str | None = None

    @property
    def may_see_all(self) -> bool:
        """Answer whether every row may be seen, and that one is not there."""
        return self.role in PROXY_ADMINS

    @property
    def administered(self) -> frozenset[str]:
        """Return the ids of the organizations that the person administers."""
        if self.role not in _BY_MEMBERSHIP:
            return frozenset()
        return frozenset(
            name for name, role in self.organizations.items() if role is Role.ORG_ADMIN
        )

    @property
    def own_teams(self) -> frozenset[str]:
        """Return the ids of the teams that the caller is in or acts for."""
        acting = () if self.acting_team is None else (self.acting_team,)
        return frozenset(self.teams).union(acting)

    def administers_team(self, team_id: str) -> bool:
        """Answer whether the person is an admin member of a team."""
        return self.role in _BY_MEMBERSHIP and self.teams.get(team_id) == "admin"


@dataclass(frozen=True, slots=True)
class TeamPlace:
    """A stored team, as far as it says who administers it.

    `named_budgets` are those of its fields that go by a named budget.
    """

    team_id: str
    organization_id: str | None = None
    blocked: bool = False
    named_budgets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Person:
    """A stored user, as far as it says who may make them a member.

    `team_organizations` are the organizations of the teams that the user is in; None for a team
    without one.
    """

    role: Role | None = None
    organizations: Mapping[str, Role] = field(default_factory=dict)
    team_organizations: frozenset[str | None] = frozenset()

    @property
    def is_privileged(self) -> bool:
        """Answer whether the user's memberships are a proxy_admin's alone to change."""
        return self.role in PROXY_ADMINS

    def may_join(self, organization_id: str) -> bool:
        """Answer whether the user belongs to nothing outside of an organization."""
        return not self.is_privileged and {organization_id}.issuperset(
            (*self.organizations, *self.team_organizations)
        )


def may_see_user(who: Administrator, user_id: str, organizations: Collection[str]) -> bool:
    """Answer whether a user may be seen; `organizations` are those that the user is in."""
    return (
        who.may_see_all or user_id == who.user_id or not who.administered.isdisjoint(organizations)
    )


def may_see_team(who: Administrator, team: TeamPlace) -> bool:
    """Answer whether a team may be seen."""
    return (
        who.may_see_all or team.team_id in who.own_teams or team.organization_id in who.administered
    )


def may_see_membership(who: Administrator, user_id: str, organization_id: str | None) -> bool:
    """Answer whether it may be seen that a user is in an organization, or in a team of it."""
    return who.may_see_all or user_id == who.user_id or organization_id in who.administered


def may_see_organization(who: Administrator, organization_id: str) -> bool:
    """Answer whether an organization may be seen."""
    return who.may_see_all or organization_id in who.administered
