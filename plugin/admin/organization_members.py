"""The routes of who is in an organization."""

from fastapi import APIRouter, Request, Response

from gatepass.plugin.admin import answers
from gatepass.plugin.admin.desk import Desk, Work
from gatepass.plugin.admin.organization_bodies import (
    OrganizationMemberAdd,
    OrganizationMemberDelete,
    OrganizationMemberUpdate,
)
from gatepass.plugin.admin.rights import find_person
from gatepass.plugin.admin.routing import change, router
from gatepass.plugin.admin.shown import Document, show_organization_membership
from gatepass.plugin.directory.changes.organizations import (
    add_organization_member,
    delete_organization_member,
    update_organization_member,
)
from gatepass.rbac.administration import check_changes_organization_member
from gatepass.rbac.roles import Role


def organization_member_routes(desk: Desk) -> APIRouter:
    """Return the routes of who is in an organization."""
    routes = router("organization members")

    @routes.post("/organization/member_add", **change(answers.OrganizationMemberships))
    async def organization_member_add(request: Request, body: OrganizationMemberAdd) -> Response:
        """Make users members of an organization, all of them or none."""
        return await desk.change(request, lambda work: _add(work, body))

    @routes.patch("/organization/member_update", **change(answers.OrganizationMembershipRow))
    @routes.post("/organization/member_update", **change(answers.OrganizationMembershipRow))
    async def organization_member_update(
        request: Request, body: OrganizationMemberUpdate
    ) -> Response:
        """Change what somebody is in an organization."""

        async def update(work: Work) -> Document:
            role = Role(body.role)
            await _check(work, body.organization_id, body.user_id, role)
            changed = await update_organization_member(
                work.transaction,
                body.user_id,
                body.organization_id,
                role,
                work.version(body.version),
            )
            return show_organization_membership(changed)

        return await desk.change(request, update)

    @routes.delete("/organization/member_delete", **change(answers.OrganizationMembershipRow))
    @routes.post("/organization/member_delete", **change(answers.OrganizationMembershipRow))
    async def organization_member_delete(
        request: Request, body: OrganizationMemberDelete
    ) -> Response:
        """End a membership, and those in the organization's teams."""

        async def delete(work: Work) -> Document:
            await _check(work, body.organization_id, body.user_id, None)
            gone = await delete_organization_member(
                work.transaction, body.user_id, body.organization_id, work.seen
            )
            return show_organization_membership(gone)

        return await desk.change(request, delete)

    return routes


async def _add(work: Work, body: OrganizationMemberAdd) -> Document:
    added = []
    for member in body.members:
        role = Role(member.role)
        await _check(work, body.organization_id, member.user_id, role)
        added.append(
            await add_organization_member(
                work.transaction, member.user_id, body.organization_id, role
            )
        )
    shown = [show_organization_membership(one) for one in added]
    return {"organization_id": body.organization_id, "members": shown}


async def _check(work: Work, organization_id: str, user_id: str, after: Role | None) -> None:
    person = await find_person(work.transaction.connection, user_id)
    check_changes_organization_member(work.who, organization_id, person, after)
