"""Who may administer what in the directory: pure answers over who asks and which row it is about.

A proxy_admin may do everything, a proxy_admin_viewer may see everything. Who has the org_admin
membership of an organization administers what is in it: its teams, their members, and who is in it
up to internal_user; an admin member of a team adds and takes plain members of the organization.
Everybody sees themselves and their teams. Three things nobody does for themselves or upwards: grant
a role above their own, raise money that binds them, and change the row of a user, because a row
that says whose it is could be turned into another person's (only a proxy_admin writes it).

Nobody but a proxy_admin reaches beyond the organization, either: into it come only those who belong
to nothing, nobody touches a membership of a proxy_admin, ids that a token could name are not made
up, and what a proxy_admin has set (a block, a named budget) stays.

Left to others: which memberships count (administrators.py), finding the rows, and what a row that
is not there means: whoever may not see everything is refused, and not told that it is missing.
"""

from collections.abc import Collection
from dataclasses import dataclass

from gatepass.rbac.administrators import Administrator, Person, TeamPlace, TeamRole
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.roles import Role

_RANKS = {role: rank for rank, role in enumerate(Role)}

TEAM_FIELDS_OF_ORG_ADMINS = frozenset(
    {"alias", "blocked", "models", "budget", "member_budget", "model_aliases"}
)
"""What an org_admin may say of a team; its own limit is under the organization's, which stays."""

USER_FIELDS_OF_ORG_ADMINS = frozenset({"role"})
"""What an org_admin may say of a new user; what binds it are the defaults of the settings.

No address: whoever writes that of a stranger decides which row the stranger is linked to.
"""


def check_sees_all(who: Administrator) -> None:
    """Refuse who may not see every row: budgets and end users are nobody's in particular.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    _require(who.may_see_all)


def check_proxy_admin(who: Administrator) -> None:
    """Refuse who is no proxy_admin.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    _require(who.role is Role.PROXY_ADMIN)


def check_grants_role(who: Administrator, granted: Role | None) -> None:
    """Refuse a role above the granter's own, and of an org_admin everything above internal_user.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    highest = Role.PROXY_ADMIN if who.role is Role.PROXY_ADMIN else Role.INTERNAL_USER
    _require(granted is None or _RANKS[granted] >= max(_RANKS[highest], _RANKS[who.role]))


def check_makes_user(
    who: Administrator, organizations: Collection[str], fields: Collection[str]
) -> None:
    """Refuse who may not make a user: an org_admin makes them in organizations of their own.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    if who.role is Role.PROXY_ADMIN:
        return
    _require(bool(organizations) and who.administered.issuperset(organizations))
    _require(USER_FIELDS_OF_ORG_ADMINS.issuperset(fields))


def check_makes_team(
    who: Administrator, organization_id: str | None, fields: Collection[str]
) -> None:
    """Refuse who may not make a team: an org_admin makes them in organizations of their own.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    if who.role is Role.PROXY_ADMIN:
        return
    _require(organization_id in who.administered)
    _require(TEAM_FIELDS_OF_ORG_ADMINS.issuperset(fields))


def check_changes_team(who: Administrator, team: TeamPlace | None, fields: Collection[str]) -> None:
    """Refuse who may not change a team; None for a team that is not stored.

    An org_admin does not move a team: elsewhere the organization's limit would not bind it. Nor
    does a member say what each member may spend.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    if who.role is Role.PROXY_ADMIN:
        return
    if team is None or team.organization_id not in who.administered:
        raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)
    _require(TEAM_FIELDS_OF_ORG_ADMINS.issuperset(fields))
    _require(team.named_budgets.isdisjoint(fields))
    _require(not (team.blocked and "blocked" in fields))
    _require(not ("member_budget" in fields and team.team_id in who.own_teams))


def check_keeps_limits(who: Administrator, taken: Collection[str]) -> None:
    """Refuse to take limits away without a new one: what was used would be forgotten.

    `taken` are the fields of a team that had a limit and are to have none.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    _require(who.role is Role.PROXY_ADMIN or not taken)


def check_deletes_team(who: Administrator, team: TeamPlace | None) -> None:
    """Refuse who may not delete a team; with it would go what a proxy_admin has set.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    check_changes_team(who, team, () if team is None else ("blocked", *team.named_budgets))


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A membership that is to change: whose, what they were and are to be, None where nothing.

    `belongs` says that the user is in the team already or in its organization, and is not
    privileged; `changes_limits` that models or money of the member's own are said, or go with the
    membership; `named_budget` that the member goes by a named budget.
    """

    user_id: str
    before: TeamRole | None
    after: TeamRole | None
    belongs: bool
    changes_limits: bool = False
    named_budget: bool = False


def check_changes_member(who: Administrator, team: TeamPlace | None, change: MemberChange) -> None:
    """Refuse who may not change the membership; None for a team that is not stored.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    if who.role is Role.PROXY_ADMIN:
        return
    _require(team is not None and change.belongs)
    _require(not (change.changes_limits and change.named_budget))
    if team is not None and team.organization_id in who.administered:
        _require(not (change.changes_limits and change.user_id == who.user_id))
        return
    _require(team is not None and who.administers_team(team.team_id))
    _require("admin" not in {change.before, change.after} and not change.changes_limits)


def check_changes_organization_member(
    who: Administrator, organization_id: str, person: Person | None, after: Role | None
) -> None:
    """Refuse who may not change what somebody is in an organization; None where nothing.

    Who is not stored and who belongs elsewhere are refused alike.

    Raises:
        AccessDenied: ADMINISTRATION_DENIED.

    """
    if who.role is Role.PROXY_ADMIN:
        return
    _require(organization_id in who.administered)
    if person is None or person.is_privileged:
        raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)
    before = person.organizations.get(organization_id)
    _require(before is not None or person.may_join(organization_id))
    check_grants_role(who, before)
    check_grants_role(who, after)


def _require(allowed: bool) -> None:  # noqa: FBT001 - the verdict of the line that calls
    if not allowed:
        raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)
