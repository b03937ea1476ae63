"""The routes of organizations; those of who is in them stand in organization_members.py."""

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Query, Request, Response

from gatepass.plugin.admin import answers
from gatepass.plugin.admin.desk import Desk, Work, show
from gatepass.plugin.admin.organization_bodies import (
    OrganizationIds,
    OrganizationNew,
    OrganizationUpdate,
)
from gatepass.plugin.admin.routing import AnyPage, change, filtered, look, router
from gatepass.plugin.admin.shown import (
    Document,
    show_organization,
    show_organization_membership,
    show_page,
)
from gatepass.plugin.admin.values import Id
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import ORGANIZATION_MEMBERSHIPS, ORGANIZATIONS
from gatepass.plugin.directory.changes.listing import MAX_PAGE_SIZE, list_rows
from gatepass.plugin.directory.changes.organizations import (
    OrganizationFields,
    create_organization,
    delete_organization,
    set_organization_blocked,
    update_organization,
)
from gatepass.plugin.directory.tables import organization_memberships, organizations
from gatepass.rbac.administration import check_proxy_admin
from gatepass.rbac.administrators import may_see_organization
from gatepass.rbac.errors import AccessDenied, AccessFault


def organization_routes(desk: Desk) -> APIRouter:
    """Return the routes of organizations."""
    routes = router("organizations")

    @routes.post("/organization/new", **change(answers.OrganizationRow))
    async def organization_new(request: Request, body: OrganizationNew) -> Response:
        """Make an organization; without models it may use all."""

        async def make(work: Work) -> Document:
            check_proxy_admin(work.who)
            fields: OrganizationFields = {"models": "all", **body.fields()}
            organization_id = body.organization_id or uuid4().hex
            made = await create_organization(work.transaction, organization_id, fields)
            return show_organization(made)

        return await desk.change(request, make)

    @routes.patch("/organization/update", **change(answers.OrganizationRow))
    @routes.post("/organization/update", **change(answers.OrganizationRow))
    async def organization_update(request: Request, body: OrganizationUpdate) -> Response:
        """Change an organization; what is left out stays."""
        return await desk.change(request, lambda work: _update(work, body))

    @routes.delete("/organization/delete", **change(answers.Organizations))
    @routes.post("/organization/delete", **change(answers.Organizations))
    async def organization_delete(request: Request, body: OrganizationIds) -> Response:
        """Delete organizations that have no teams; their users stay."""

        async def delete(work: Work) -> Document:
            check_proxy_admin(work.who)
            gone = [
                await delete_organization(work.transaction, one, work.seen)
                for one in body.organization_ids
            ]
            return {"organizations": [show_organization(one) for one in gone]}

        return await desk.change(request, delete)

    @routes.post("/organization/block", **change(answers.Organizations))
    async def organization_block(request: Request, body: OrganizationIds) -> Response:
        """Keep everybody out who acts for an organization."""
        return await desk.change(request, lambda work: _block(work, body, blocked=True))

    @routes.post("/organization/unblock", **change(answers.Organizations))
    async def organization_unblock(request: Request, body: OrganizationIds) -> Response:
        """Let everybody in again who acts for an organization."""
        return await desk.change(request, lambda work: _block(work, body, blocked=False))

    _looking_routes(routes, desk)
    return routes


def _looking_routes(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/organization/info", **look(answers.OrganizationInfo))
    async def organization_info(
        request: Request, organization_id: Annotated[Id, Query()]
    ) -> Response:
        """Show an organization with its members, the first 500 of them."""
        async with desk.looking(request) as (connection, who):
            if not may_see_organization(who, organization_id):
                raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)
            found = await ORGANIZATIONS.find(connection, (organization_id,))
            if found is None:
                raise ChangeRefused(ChangeFault.NOT_FOUND, "organization_id")
            members = await list_rows(
                connection,
                ORGANIZATION_MEMBERSHIPS,
                (organization_memberships.c.organization_id == organization_id,),
                size=MAX_PAGE_SIZE,
            )
        shown = [show_organization_membership(one) for one in members.rows]
        return show({**show_organization(found), "members": shown, "members_total": members.total})

    @routes.get("/organization/list", **look(answers.OrganizationPage))
    async def organization_list(
        request: Request,
        paging: AnyPage,
        organization_alias: Annotated[Id | None, Query()] = None,
        blocked: Annotated[bool | None, Query()] = None,
    ) -> Response:
        """List those organizations that the caller may see."""
        async with desk.looking(request) as (connection, who):
            own = organizations.c.organization_id.in_(sorted(who.administered))
            conditions = [
                *(() if who.may_see_all else (own,)),
                *filtered(organization_alias, lambda said: organizations.c.alias == said),
                *filtered(blocked, organizations.c.blocked.is_),
            ]
            found = await list_rows(connection, ORGANIZATIONS, conditions, *paging)
        rows = [show_organization(one) for one in found.rows]
        return show(show_page("organizations", rows, found.total, *paging))


async def _update(work: Work, body: OrganizationUpdate) -> Document:
    check_proxy_admin(work.who)
    current = await ORGANIZATIONS.find(work.transaction.connection, (body.organization_id,))
    fields, version = body.fields(current), work.version(body.version)
    changed = await update_organization(work.transaction, body.organization_id, fields, version)
    return show_organization(changed)


async def _block(work: Work, body: OrganizationIds, *, blocked: bool) -> Document:
    check_proxy_admin(work.who)
    changed = [
        await set_organization_blocked(work.transaction, one, blocked=blocked, version=work.seen)
        for one in body.organization_ids
    ]
    return {"organizations": [show_organization(one) for one in changed]}
