"""The routes of end users, which the peer calls customers; `/end_user/...` means the same."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict

from gatepass.plugin.admin import answers
from gatepass.plugin.admin.desk import Desk, Work, show
from gatepass.plugin.admin.limit_bodies import LimitBody
from gatepass.plugin.admin.routing import AnyPage, change, filtered, look, router
from gatepass.plugin.admin.shown import Document, show_end_user, show_page
from gatepass.plugin.admin.values import Body, Flag, Id, Ids, ModelList, Version
from gatepass.plugin.directory.changes.end_users import (
    EndUserFields,
    create_end_user,
    delete_end_user,
    set_end_user_blocked,
    update_end_user,
)
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import END_USERS
from gatepass.plugin.directory.changes.listing import list_rows
from gatepass.plugin.directory.changes.records import EndUserRecord, Models
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.tables import end_users
from gatepass.rbac.administration import check_proxy_admin, check_sees_all


class CustomerNew(LimitBody):
    """A new end user."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": "shop-7", "max_budget": 2.5}]}
    )

    user_id: Id
    models: ModelList | None = None
    blocked: Flag | None = None

    def fields(self, current: EndUserRecord | None = None) -> EndUserFields:
        """Return what the end user is to be.

        Raises:
            ChangeRefused: BAD_VALUE for a limit that cannot be.

        """
        fields: EndUserFields = {}
        if self.models is not None:
            fields["models"] = self.models
        if self.blocked is not None:
            fields["blocked"] = self.blocked
        if self.says_limit():
            fields["budget"] = self.limit(None if current is None else current.budget)
        return fields


class CustomerUpdate(CustomerNew):
    """A change of an end user; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": "shop-7", "max_budget": None}]}
    )

    version: Version | None = None


class CustomerIds(Body):
    """Several end users."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_ids": ["shop-7"]}]})

    user_ids: Ids


def customer_routes(desk: Desk, prefix: str) -> APIRouter:
    """Return the routes of end users under `/customer` or `/end_user`."""
    routes = router("end users")

    @routes.post(f"{prefix}/new", **change(answers.CustomerRow))
    async def new(request: Request, body: CustomerNew) -> Response:
        """Make an end user; what is left out is as the settings' defaults say."""
        return await desk.change(request, lambda work: _make(work, desk.rules, body))

    @routes.post(f"{prefix}/update", **change(answers.CustomerRow))
    async def update(request: Request, body: CustomerUpdate) -> Response:
        """Change an end user; what is left out stays."""
        return await desk.change(request, lambda work: _update(work, body))

    @routes.post(f"{prefix}/delete", **change(answers.Customers))
    async def delete(request: Request, body: CustomerIds) -> Response:
        """Delete end users, who are not restricted from then on."""

        async def forget(work: Work) -> Document:
            check_proxy_admin(work.who)
            gone = [
                await delete_end_user(work.transaction, one, work.seen) for one in body.user_ids
            ]
            return {"customers": [show_end_user(one) for one in gone]}

        return await desk.change(request, forget)

    @routes.post(f"{prefix}/block", **change(answers.Customers))
    async def block(request: Request, body: CustomerIds) -> Response:
        """Keep out whoever acts for these end users."""
        return await desk.change(request, lambda work: _block(work, body, blocked=True))

    @routes.post(f"{prefix}/unblock", **change(answers.Customers))
    async def unblock(request: Request, body: CustomerIds) -> Response:
        """Let in again whoever acts for these end users."""
        return await desk.change(request, lambda work: _block(work, body, blocked=False))

    _looking_routes(routes, desk, prefix)
    return routes


def _looking_routes(routes: APIRouter, desk: Desk, prefix: str) -> None:
    @routes.get(f"{prefix}/info", **look(answers.CustomerRow))
    async def info(request: Request, end_user_id: Annotated[Id, Query()]) -> Response:
        """Show an end user."""
        async with desk.looking(request) as (connection, who):
            check_sees_all(who)
            found = await END_USERS.find(connection, (end_user_id,))
        if found is None:
            raise ChangeRefused(ChangeFault.NOT_FOUND, "end_user_id")
        return show(show_end_user(found))

    @routes.get(f"{prefix}/list", **look(answers.CustomerPage))
    async def list_all(
        request: Request, paging: AnyPage, blocked: Annotated[bool | None, Query()] = None
    ) -> Response:
        """List end users."""
        async with desk.looking(request) as (connection, who):
            check_sees_all(who)
            conditions = filtered(blocked, end_users.c.blocked.is_)
            found = await list_rows(connection, END_USERS, conditions, *paging)
        rows = [show_end_user(one) for one in found.rows]
        return show(show_page("customers", rows, found.total, *paging))


async def _make(work: Work, rules: DirectoryRules, body: CustomerNew) -> Document:
    check_proxy_admin(work.who)
    defaults = rules.end_user_defaults
    models: Models = "all" if defaults.models is None else defaults.models
    start: EndUserFields = {"models": models, "budget": defaults.budget}
    fields: EndUserFields = {**start, **body.fields()}
    return show_end_user(await create_end_user(work.transaction, body.user_id, fields))


async def _update(work: Work, body: CustomerUpdate) -> Document:
    check_proxy_admin(work.who)
    current = await END_USERS.find(work.transaction.connection, (body.user_id,))
    fields, version = body.fields(current), work.version(body.version)
    return show_end_user(await update_end_user(work.transaction, body.user_id, fields, version))


async def _block(work: Work, body: CustomerIds, *, blocked: bool) -> Document:
    check_proxy_admin(work.who)
    changed = [
        await set_end_user_blocked(work.transaction, one, blocked=blocked, version=work.seen)
        for one in body.user_ids
    ]
    return {"customers": [show_end_user(one) for one in changed]}
