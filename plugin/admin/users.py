"""The routes of users."""

from typing import TYPE_CHECKING, Annotated
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import ColumnElement, Select, and_, or_, select

from gatepass.plugin.admin import answers
from gatepass.plugin.admin.desk import Desk, Work, show
from gatepass.plugin.admin.routing import AnyPage, change, filtered, look, router
from gatepass.plugin.admin.shown import (
    Document,
    show_membership,
    show_organization_membership,
    show_page,
    show_user,
)
from gatepass.plugin.admin.user_bodies import UserIds, UserNew, UserUpdate
from gatepass.plugin.admin.values import Id, Text, UserRole
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import (
    MEMBERSHIPS,
    ORGANIZATION_MEMBERSHIPS,
    USERS,
)
from gatepass.plugin.directory.changes.listing import every_row, list_rows
from gatepass.plugin.directory.changes.members import add_member
from gatepass.plugin.directory.changes.organizations import add_organization_member
from gatepass.plugin.directory.changes.users import (
    UserFields,
    create_user,
    delete_user,
    set_user_blocked,
    update_user,
)
from gatepass.plugin.directory.tables import memberships, organization_memberships, teams, users
from gatepass.rbac.administration import check_grants_role, check_makes_user, check_proxy_admin
from gatepass.rbac.administrators import Administrator, may_see_membership, may_see_user
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.roles import Role

if TYPE_CHECKING:
    from gatepass.plugin.directory.changes.records import Models


def user_routes(desk: Desk) -> APIRouter:
    """Return the routes of users."""
    routes = router("users")

    @routes.post("/user/new", **change(answers.UserInfo))
    async def user_new(request: Request, body: UserNew) -> Response:
        """Make a user; what is left out is as the settings' defaults for users say."""
        return await desk.change(request, lambda work: _make(work, desk, body))

    @routes.post("/user/update", **change(answers.UserRow))
    async def user_update(request: Request, body: UserUpdate) -> Response:
        """Change a user; what is left out stays."""
        return await desk.change(request, lambda work: _update(work, body))

    @routes.post("/user/delete", **change(answers.Users))
    async def user_delete(request: Request, body: UserIds) -> Response:
        """Delete users with their memberships."""

        async def delete(work: Work) -> Document:
            check_proxy_admin(work.who)
            gone = [
                await delete_user(work.transaction, user_id, work.seen) for user_id in body.user_ids
            ]
            return {"users": [show_user(user) for user in gone]}

        return await desk.change(request, delete)

    @routes.post("/user/block", **change(answers.Users))
    async def user_block(request: Request, body: UserIds) -> Response:
        """Keep users out."""
        return await desk.change(request, lambda work: _block(work, body, blocked=True))

    @routes.post("/user/unblock", **change(answers.Users))
    async def user_unblock(request: Request, body: UserIds) -> Response:
        """Let users in again."""
        return await desk.change(request, lambda work: _block(work, body, blocked=False))

    _looking_routes(routes, desk)
    return routes


def _looking_routes(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/user/info", **look(answers.UserInfo))
    async def user_info(
        request: Request, user_id: Annotated[Id | None, Query()] = None
    ) -> Response:
        """Show a user; without an id the caller's own."""
        async with desk.looking(request) as (connection, who):
            wanted = user_id or who.user_id
            if wanted is None:
                raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)
            user = await USERS.find(connection, (wanted,))
            of_user = (memberships.c.user_id == wanted, *_seen_teams(who, wanted))
            in_teams = await every_row(connection, MEMBERSHIPS, of_user)
            organizations = await every_row(
                connection,
                ORGANIZATION_MEMBERSHIPS,
                (organization_memberships.c.user_id == wanted,),
            )
        if not may_see_user(who, wanted, {member.organization_id for member in organizations}):
            raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)
        if user is None:
            raise ChangeRefused(ChangeFault.NOT_FOUND, "user_id")
        return show(
            {
                "user_id": wanted,
                "user_info": show_user(user),
                "teams": [show_membership(member) for member in in_teams],
                "organizations": [
                    show_organization_membership(one)
                    for one in organizations
                    if may_see_membership(who, wanted, one.organization_id)
                ],
            }
        )

    @routes.get("/user/list", **look(answers.UserPage))
    async def user_list(  # noqa: PLR0913, PLR0917 - the filters
        request: Request,
        paging: AnyPage,
        user_email: Annotated[Text | None, Query()] = None,
        role: Annotated[UserRole | None, Query()] = None,
        team_id: Annotated[Id | None, Query()] = None,
        organization_id: Annotated[Id | None, Query()] = None,
        blocked: Annotated[bool | None, Query()] = None,
    ) -> Response:
        """List those users that the caller may see."""
        async with desk.looking(request) as (connection, who):
            conditions = [
                *_visible(who),
                *filtered(user_email, lambda said: users.c.email == said.lower()),
                *filtered(role, lambda said: users.c.role == said),
                *filtered(team_id, lambda said: _in_team(who, said)),
                *filtered(organization_id, lambda said: _in_organization(who, said)),
                *filtered(blocked, users.c.blocked.is_),
            ]
            found = await list_rows(connection, USERS, conditions, *paging)
        return show(
            show_page("users", [show_user(one) for one in found.rows], found.total, *paging)
        )


def _visible(who: Administrator) -> tuple[ColumnElement[bool], ...]:
    if who.may_see_all:
        return ()
    return (or_(users.c.user_id == who.user_id, _in_organizations(who.administered)),)


def _seen_teams(who: Administrator, user_id: str) -> tuple[ColumnElement[bool], ...]:
    """Return what holds for those of a user's memberships that the caller may see."""
    if who.may_see_all or user_id == who.user_id:
        return ()
    return (memberships.c.team_id.in_(_teams_of(who)),)


def _teams_of(who: Administrator) -> Select[tuple[str]]:
    seen = teams.c.organization_id.in_(sorted(who.administered))
    return select(teams.c.team_id).where(seen)


def _in_team(who: Administrator, team_id: str) -> ColumnElement[bool]:
    """Return what holds for a team's members, as far as the caller may know them for such."""
    found = select(memberships.c.user_id).where(memberships.c.team_id == team_id)
    if not who.may_see_all:
        seen = memberships.c.team_id.in_(_teams_of(who))
        found = found.where(or_(seen, memberships.c.user_id == who.user_id))
    return users.c.user_id.in_(found)


def _in_organization(who: Administrator, organization_id: str) -> ColumnElement[bool]:
    found = _in_organizations({organization_id})
    if who.may_see_all or organization_id in who.administered:
        return found
    return and_(found, users.c.user_id == who.user_id)


def _in_organizations(ids: frozenset[str] | set[str]) -> ColumnElement[bool]:
    return users.c.user_id.in_(
        select(organization_memberships.c.user_id).where(
            organization_memberships.c.organization_id.in_(sorted(ids))
        )
    )


async def _make(work: Work, desk: Desk, body: UserNew) -> Document:
    transaction, who = work.transaction, work.who
    fields = body.fields()
    chosen = () if body.user_id is None else ("user_id",)
    check_makes_user(who, body.organizations, (*fields, *chosen))
    check_grants_role(who, fields.get("role"))
    if body.teams:
        check_proxy_admin(who)
    user_id = body.user_id or uuid4().hex
    user = await create_user(transaction, user_id, _with_defaults(fields, desk))
    organizations = [
        await add_organization_member(transaction, user.user_id, one, Role.INTERNAL_USER)
        for one in dict.fromkeys(body.organizations)
    ]
    in_teams = [
        await add_member(transaction, user.user_id, one) for one in dict.fromkeys(body.teams)
    ]
    return {
        "user_id": user.user_id,
        "user_info": show_user(user),
        "teams": [show_membership(member) for member in in_teams],
        "organizations": [show_organization_membership(member) for member in organizations],
    }


def _with_defaults(fields: UserFields, desk: Desk) -> UserFields:
    rules, issuer = desk.rules, desk.only_issuer
    defaults = rules.user_defaults
    models: Models = "all" if defaults.models is None else defaults.models
    start: UserFields = {"models": models, "budget": defaults.budget, "role": rules.user_role}
    if issuer is not None:
        start["home_issuer"] = issuer
    return {**start, **fields}


async def _update(work: Work, body: UserUpdate) -> Document:
    check_proxy_admin(work.who)
    current = await USERS.find(work.transaction.connection, (body.user_id,))
    fields = body.fields(current)
    check_grants_role(work.who, fields.get("role"))
    version = work.version(body.version)
    return show_user(await update_user(work.transaction, body.user_id, fields, version))


async def _block(work: Work, body: UserIds, *, blocked: bool) -> Document:
    check_proxy_admin(work.who)
    changed = [
        await set_user_blocked(work.transaction, user_id, blocked=blocked, version=work.seen)
        for user_id in body.user_ids
    ]
    return {"users": [show_user(user) for user in changed]}
