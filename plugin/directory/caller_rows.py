"""Everything that is stored about one caller, put together from the rows of caller_query.py."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import DecodeError

from gatepass.plugin.directory.rows import to_end_user, to_member, to_organization, to_team, to_user
from gatepass.rbac.budgets import Budget
from gatepass.rbac.principals import EndUser, Member, Organization, Team, User
from gatepass.rbac.roles import Role

CallerRow = Sequence[str | None]
"""Person, team, membership, organization and end user as JSON texts."""


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One team that the caller could act for, with what depends on it.

    `share` is what the team grants each of its members.
    """

    team: Team
    member: Member | None
    share: Budget | None
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


def read_rows(rows: Sequence[CallerRow], *, organization_named: bool) -> CallerRows:
    """Return what the rows of one caller say.

    Raises:
        ValueError: a row holds what it cannot hold.
        InvalidAmount: money in it is none.

    """
    try:
        return _read(rows, organization_named=organization_named)
    except DecodeError as error:
        raise ValueError("a stored row holds what it cannot hold") from error


def _read(rows: Sequence[CallerRow], *, organization_named: bool) -> CallerRows:
    person, _, _, named, customer = rows[0]
    user, role_column = (None, None) if person is None else to_user(person)
    teams = []
    for _, team, member, organization, _ in dict.fromkeys(map(tuple, rows)):
        if team is not None:
            of_team, share = to_team(team)
            teams.append(
                TeamRow(
                    of_team,
                    None if member is None else to_member(member, share),
                    share,
                    None if organization is None else to_organization(organization),
                )
            )
    return CallerRows(
        user=user,
        role_column=role_column,
        teams=tuple(teams),
        organization=to_organization(named) if organization_named and named is not None else None,
        end_user=None if customer is None else to_end_user(customer),
    )
