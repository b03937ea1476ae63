"""The routes of teams; those of their members stand in team_members.py."""

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import ColumnElement, or_, select

from gatepass.plugin.admin import answers
from gatepass.plugin.admin.desk import Desk, Work, show
from gatepass.plugin.admin.routing import AnyPage, change, filtered, look, router
from gatepass.plugin.admin.shown import Document, show_membership, show_page, show_team
from gatepass.plugin.admin.team_bodies import TeamId, TeamIds, TeamNew, TeamUpdate
from gatepass.plugin.admin.team_members import add_members, place_of
from gatepass.plugin.admin.values import Id
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import MEMBERSHIPS, TEAMS
from gatepass.plugin.directory.changes.listing import MAX_PAGE_SIZE, list_rows
from gatepass.plugin.directory.changes.records import Models, TeamRecord
from gatepass.plugin.directory.changes.teams import (
    TeamFields,
    create_team,
    delete_team,
    set_team_blocked,
    update_team,
)
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.tables import memberships, teams
from gatepass.rbac.administration import (
    check_changes_team,
    check_deletes_team,
    check_keeps_limits,
    check_makes_team,
    check_proxy_admin,
    check_sees_all,
)
from gatepass.rbac.administrators import Administrator, may_see_team
from gatepass.rbac.errors import AccessDenied, AccessFault


def team_routes(desk: Desk) -> APIRouter:
    """Return the routes of teams."""
    routes = router("teams")

    @routes.post("/team/new", **change(answers.TeamInfo))
    async def team_new(request: Request, body: TeamNew) -> Response:
        """Make a team; what is left out is as the settings' defaults for teams say."""
        return await desk.change(request, lambda work: _make(work, desk.rules, body))

    @routes.post("/team/update", **change(answers.TeamRow))
    async def team_update(request: Request, body: TeamUpdate) -> Response:
        """Change a team; what is left out stays."""
        return await desk.change(request, lambda work: _update(work, body))

    @routes.post("/team/delete", **change(answers.Teams))
    async def team_delete(request: Request, body: TeamIds) -> Response:
        """Delete teams with their memberships."""

        async def delete(work: Work) -> Document:
            gone = []
            for team_id in body.team_ids:
                check_deletes_team(work.who, place_of(await _find(work, team_id)))
                gone.append(await delete_team(work.transaction, team_id, work.seen))
            return {"teams": [show_team(team) for team in gone]}

        return await desk.change(request, delete)

    @routes.post("/team/block", **change(answers.TeamRow))
    async def team_block(request: Request, body: TeamId) -> Response:
        """Keep everybody out who acts for a team."""
        return await desk.change(request, lambda work: _block(work, body.team_id, blocked=True))

    @routes.post("/team/unblock", **change(answers.TeamRow))
    async def team_unblock(request: Request, body: TeamId) -> Response:
        """Let everybody in again who acts for a team."""
        return await desk.change(request, lambda work: _block(work, body.team_id, blocked=False))

    _looking_routes(routes, desk)
    return routes


def _looking_routes(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/team/info", **look(answers.TeamInfo))
    async def team_info(request: Request, team_id: Annotated[Id, Query()]) -> Response:
        """Show a team with its members, the first 500 of them."""
        async with desk.looking(request) as (connection, who):
            team = await TEAMS.find(connection, (team_id,))
            _check_sees(who, team)
            found = await list_rows(
                connection, MEMBERSHIPS, (memberships.c.team_id == team_id,), size=MAX_PAGE_SIZE
            )
        if team is None:
            raise ChangeRefused(ChangeFault.NOT_FOUND, "team_id")
        return show(_info(team, [show_membership(one) for one in found.rows], found.total))

    @routes.get("/team/list", **look(answers.TeamPage))
    async def team_list(
        request: Request,
        paging: AnyPage,
        team_alias: Annotated[Id | None, Query()] = None,
        organization_id: Annotated[Id | None, Query()] = None,
        blocked: Annotated[bool | None, Query()] = None,
    ) -> Response:
        """List those teams that the caller may see."""
        async with desk.looking(request) as (connection, who):
            conditions = [
                *_visible(who),
                *filtered(team_alias, lambda said: teams.c.alias == said),
                *filtered(organization_id, lambda said: teams.c.organization_id == said),
                *filtered(blocked, teams.c.blocked.is_),
            ]
            found = await list_rows(connection, TEAMS, conditions, *paging)
        return show(
            show_page("teams", [show_team(one) for one in found.rows], found.total, *paging)
        )


def _visible(who: Administrator) -> tuple[ColumnElement[bool], ...]:
    if who.may_see_all:
        return ()
    own = teams.c.team_id.in_(sorted(who.own_teams))
    return (or_(own, teams.c.organization_id.in_(sorted(who.administered))),)


def _check_sees(who: Administrator, team: TeamRecord | None) -> None:
    place = place_of(team)
    if place is None:
        check_sees_all(who)
    elif not may_see_team(who, place):
        raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)


def _info(team: TeamRecord, members: list[Document], total: int) -> Document:
    return {
        "team_id": team.team_id,
        "team_info": show_team(team),
        "team_memberships": members,
        "members_total": total,
    }


async def _make(work: Work, rules: DirectoryRules, body: TeamNew) -> Document:
    transaction = work.transaction
    names = body.names() | ({"team_id"} if body.team_id is not None else set())
    check_makes_team(work.who, body.organization_id, names - {"organization_id"})
    fields, team_id = body.fields(), body.team_id or uuid4().hex
    await _check_alias(work, team_id, fields)
    defaults = rules.team_defaults
    models: Models = "all" if defaults.models is None else defaults.models
    start: TeamFields = {"models": models, "budget": defaults.budget}
    team = await create_team(transaction, team_id, {**start, **fields})
    members = await add_members(work, team, body.members_with_roles, {})
    return _info(team, [show_membership(one) for one in members], len(members))


async def _update(work: Work, body: TeamUpdate) -> Document:
    team = await _find(work, body.team_id)
    check_changes_team(work.who, place_of(team), body.names())
    fields = body.fields(team)
    if team is not None:
        had = {"budget": team.budget, "member_budget": team.member_budget}
        taken = [name for name, one in had.items() if one and fields.get(name, one) is None]
        check_keeps_limits(work.who, taken)
    await _check_alias(work, body.team_id, fields)
    version = work.version(body.version)
    return show_team(await update_team(work.transaction, body.team_id, fields, version))


async def _check_alias(work: Work, team_id: str, fields: TeamFields) -> None:
    """Leave an alias that another team has to proxy_admins: a token may name teams by it."""
    alias = fields.get("alias")
    if alias is None:
        return
    others = select(teams.c.team_id).where(teams.c.alias == alias, teams.c.team_id != team_id)
    if (await work.transaction.connection.execute(others.limit(1))).first() is not None:
        check_proxy_admin(work.who)


async def _block(work: Work, team_id: str, *, blocked: bool) -> Document:
    team = await _find(work, team_id)
    check_changes_team(work.who, place_of(team), () if blocked else ("blocked",))
    changed = await set_team_blocked(work.transaction, team_id, blocked=blocked, version=work.seen)
    return show_team(changed)


async def _find(work: Work, team_id: str) -> TeamRecord | None:
    return await TEAMS.find(work.transaction.connection, (team_id,))
