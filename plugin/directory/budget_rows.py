"""Making the budgets of new rows."""

from uuid import uuid4

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.limits import BudgetTemplate
from gatepass.plugin.directory.tables import budgets


async def make_budget(
    connection: AsyncConnection, template: BudgetTemplate | None, now: int
) -> str | None:
    """Insert a budget whose first window starts now, and return its id; None stays None."""
    if template is None:
        return None
    budget_id = uuid4().hex
    await connection.execute(
        insert(budgets).values(
            budget_id=budget_id,
            limit_nano_usd=template.limit_nano_usd,
            window_seconds=template.window_seconds,
            anchor=now,
        )
    )
    return budget_id
