"""The routes of teams' members."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from gatepass.plugin.admin import answers
from gatepass.plugin.admin.desk import Desk, Work
from gatepass.plugin.admin.rights import find_person
from gatepass.plugin.admin.routing import change, router
from gatepass.plugin.admin.shown import Document, show_membership
from gatepass.plugin.admin.team_bodies import (
    MemberAdd,
    MemberDelete,
    MemberUpdate,
    TeamMember,
)
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import MEMBERSHIPS, TEAMS
from gatepass.plugin.directory.changes.members import (
    MemberFields,
    add_member,
    delete_member,
    update_member,
)
from gatepass.plugin.directory.changes.records import MembershipRecord, TeamRecord
from gatepass.rbac.administration import MemberChange, check_changes_member
from gatepass.rbac.administrators import TeamPlace, TeamRole


def member_routes(desk: Desk) -> APIRouter:
    """Return the routes of teams' members."""
    routes = router("team members")

    @routes.post("/team/member_add", **change(answers.Memberships))
    async def team_member_add(request: Request, body: MemberAdd) -> Response:
        """Make users members of a team, all of them or none."""

        async def add(work: Work) -> Document:
            team = await TEAMS.find(work.transaction.connection, (body.team_id,))
            added = await add_members(work, team, body.members, body.limits())
            return _shown(body.team_id, added)

        return await desk.change(request, add)

    @routes.post("/team/member_update", **change(answers.MembershipRow))
    async def team_member_update(request: Request, body: MemberUpdate) -> Response:
        """Change what a member is in a team."""
        return await desk.change(request, lambda work: _update(work, body))

    @routes.post("/team/member_delete", **change(answers.MembershipRow))
    async def team_member_delete(request: Request, body: MemberDelete) -> Response:
        """End a membership."""

        async def delete(work: Work) -> Document:
            current = await _current(work, body.user_id, body.team_id)
            team = await TEAMS.find(work.transaction.connection, (body.team_id,))
            loses = _loses_limits(work, team, current)
            await _check(work, team, body.user_id, (current, None), changes_limits=loses)
            gone = await delete_member(work.transaction, body.user_id, body.team_id, work.seen)
            return show_membership(gone)

        return await desk.change(request, delete)

    return routes


async def add_members(
    work: Work, team: TeamRecord | None, members: Sequence[TeamMember], limits: MemberFields
) -> list[MembershipRecord]:
    """Make users members of a team; None for one that is not stored.

    Raises:
        AccessDenied: the caller may not add one of them.
        ChangeRefused: NOT_FOUND, REFERENCE_UNKNOWN, ALREADY_EXISTS, BAD_VALUE.

    """
    added = []
    for member in members:
        sides = (None, member.role)
        await _check(work, team, member.user_id, sides, changes_limits=bool(limits))
        if team is None:
            raise ChangeRefused(ChangeFault.NOT_FOUND, "team_id")
        fields: MemberFields = {**limits, "role": member.role}
        added.append(await add_member(work.transaction, member.user_id, team.team_id, fields))
    return added


def place_of(team: TeamRecord | None) -> TeamPlace | None:
    """Return what says who administers a team."""
    if team is None:
        return None
    budgets = {"budget": team.budget, "member_budget": team.member_budget}
    named = frozenset(name for name, one in budgets.items() if one is not None and one.named)
    return TeamPlace(team.team_id, team.organization_id, team.blocked, named)


def _shown(team_id: str, members: Sequence[MembershipRecord]) -> Document:
    return {"team_id": team_id, "team_memberships": [show_membership(one) for one in members]}


async def _current(work: Work, user_id: str, team_id: str) -> MembershipRecord | None:
    return await MEMBERSHIPS.find(work.transaction.connection, (user_id, team_id))


def _loses_limits(work: Work, team: TeamRecord | None, gone: MembershipRecord | None) -> bool:
    """Answer whether a limit goes with a membership: who comes back comes back without it."""
    if gone is None or team is None:
        return False
    own = gone.models != "all" or gone.budget is not None
    return own or (gone.user_id == work.who.user_id and team.member_budget is not None)


async def _update(work: Work, body: MemberUpdate) -> Document:
    current = await _current(work, body.user_id, body.team_id)
    team = await TEAMS.find(work.transaction.connection, (body.team_id,))
    sides = (current, body.role)
    await _check(work, team, body.user_id, sides, changes_limits=body.says_limits())
    fields = body.limits(current)
    if body.role is not None:
        fields["role"] = body.role
    version = work.version(body.version)
    changed = await update_member(work.transaction, body.user_id, body.team_id, fields, version)
    return show_membership(changed)


async def _check(
    work: Work,
    team: TeamRecord | None,
    user_id: str,
    sides: tuple[MembershipRecord | None, TeamRole | None],
    *,
    changes_limits: bool,
) -> None:
    """Refuse who may not change a membership; nothing that is stored is told before."""
    current, after = sides
    person = await find_person(work.transaction.connection, user_id)
    belongs = person is not None and not person.is_privileged
    if current is None and person is not None and team is not None:
        belongs = belongs and team.organization_id in person.organizations
    change = MemberChange(
        user_id,
        None if current is None else current.role,
        after,
        belongs,
        changes_limits,
        current is not None and current.budget is not None and current.budget.named,
    )
    check_changes_member(work.who, place_of(team), change)
