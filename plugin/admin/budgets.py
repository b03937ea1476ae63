"""The routes of named budgets, which rows can go by in place of a limit of their own."""

from typing import Annotated
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field

from gatepass.plugin.admin import answers
from gatepass.plugin.admin.desk import Desk, Work, show
from gatepass.plugin.admin.limit_bodies import OwnLimitBody
from gatepass.plugin.admin.limits import merged
from gatepass.plugin.admin.routing import AnyPage, change, look, router
from gatepass.plugin.admin.shown import Document, show_budget, show_page
from gatepass.plugin.admin.values import Body, Id, Ids, Version
from gatepass.plugin.directory.changes.budgets import (
    create_budget,
    delete_budget,
    update_budget,
)
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.kinds import BUDGETS
from gatepass.plugin.directory.changes.listing import list_rows
from gatepass.plugin.directory.changes.money import NamedBudget, OwnBudget, RaisedBudget
from gatepass.plugin.directory.changes.records import BudgetRecord
from gatepass.plugin.directory.tables import budgets
from gatepass.rbac.administration import check_proxy_admin, check_sees_all


class BudgetNew(OwnLimitBody):
    """A new budget."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"budget_id": "small", "max_budget": 10, "budget_duration": "30d"}]
        }
    )

    budget_id: Annotated[Id | None, Field(default=None, description="Made up when it is left out.")]


class BudgetUpdate(OwnLimitBody):
    """A change of a budget for all rows that go by it; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"budget_id": "small", "max_budget": 20}]}
    )

    budget_id: Id
    version: Version | None = None


class BudgetId(Body):
    """One budget; `id` is the peer's name for it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": "small"}]})

    id: Id


class BudgetIds(Body):
    """Several budgets."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"budgets": ["small"]}]})

    budgets: Ids


def budget_routes(desk: Desk) -> APIRouter:
    """Return the routes of named budgets."""
    routes = router("budgets")

    @routes.post("/budget/new", **change(answers.BudgetRow))
    async def budget_new(request: Request, body: BudgetNew) -> Response:
        """Make a budget."""

        async def make(work: Work) -> Document:
            check_proxy_admin(work.who)
            budget_id, limits = body.budget_id or uuid4().hex, _limits(None, body)
            template = limits.template if isinstance(limits, RaisedBudget) else limits
            made = await create_budget(work.transaction, budget_id, template)
            if isinstance(limits, RaisedBudget):
                made = await update_budget(work.transaction, budget_id, limits)
            return show_budget(made)

        return await desk.change(request, make)

    @routes.post("/budget/update", **change(answers.BudgetRow))
    async def budget_update(request: Request, body: BudgetUpdate) -> Response:
        """Change a budget for all rows that go by it."""
        return await desk.change(request, lambda work: _update(work, body))

    @routes.post("/budget/delete", **change(answers.BudgetRow))
    async def budget_delete(request: Request, body: BudgetId) -> Response:
        """Delete a budget that no row goes by."""

        async def delete(work: Work) -> Document:
            check_proxy_admin(work.who)
            return show_budget(await delete_budget(work.transaction, body.id, work.seen))

        return await desk.change(request, delete)

    @routes.post("/budget/info", **look(answers.Budgets))
    async def budget_info(request: Request, body: BudgetIds) -> Response:
        """Show budgets; those that are not stored are left out."""
        async with desk.looking(request) as (connection, who):
            check_sees_all(who)
            conditions = (budgets.c.budget_id.in_(body.budgets), budgets.c.named)
            found = await list_rows(connection, BUDGETS, conditions, size=len(body.budgets))
        return show({"budgets": [show_budget(one) for one in found.rows]})

    @routes.get("/budget/list", **look(answers.BudgetPage))
    async def budget_list(request: Request, paging: AnyPage) -> Response:
        """List the named budgets."""
        async with desk.looking(request) as (connection, who):
            check_sees_all(who)
            found = await list_rows(connection, BUDGETS, (budgets.c.named,), *paging)
        rows = [show_budget(one) for one in found.rows]
        return show(show_page("budgets", rows, found.total, *paging))

    return routes


async def _update(work: Work, body: BudgetUpdate) -> Document:
    check_proxy_admin(work.who)
    current = await BUDGETS.find(work.transaction.connection, (body.budget_id,))
    if current is None:
        raise ChangeRefused(ChangeFault.NOT_FOUND, "budget_id")
    limits, version = _limits(current, body), work.version(body.version)
    return show_budget(await update_budget(work.transaction, body.budget_id, limits, version))


def _limits(current: BudgetRecord | None, body: OwnLimitBody) -> OwnBudget:
    """Return the limits of a named budget, which cannot be without any."""
    standing = None if current is None else msgspec.structs.replace(current, named=False)
    limits = merged(standing, body.said_limits())
    if limits is None or isinstance(limits, NamedBudget):
        raise ChangeRefused(ChangeFault.BAD_VALUE, "max_budget")
    return limits
