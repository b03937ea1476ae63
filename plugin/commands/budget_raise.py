"""`gatepass users|teams|... raise`: more than usual until a moment, for whoever has a budget.

The budget itself stays as it is, and what is used stays counted. A row that goes by a named budget
has none of its own to raise: the named one is raised for all its rows.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.commands.stored_rows import change_row
from gatepass.plugin.declared.budget_values import to_whole_budget
from gatepass.plugin.declared.carrying_out import update
from gatepass.plugin.declared.rows import Fields, Kind, RowId
from gatepass.plugin.declared.stored import STORED_KINDS
from gatepass.plugin.directory.changes.budgets import update_budget
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.money import RaisedBudget
from gatepass.plugin.directory.changes.records import BudgetRecord, Record
from gatepass.plugin.directory.changes.transaction import Transaction
from gatepass.plugin.settings.problems import BadValue
from gatepass.rbac.budgets import Raise, Unit
from gatepass.rbac.windows import FOREVER


def run_raise(config: Path, row: RowId, raised: Raise | None, *, as_json: bool) -> int:
    """Raise a row's budget, or end that; print the row and return the exit status."""

    async def change(transaction: Transaction) -> Record:
        record = await STORED_KINDS[row.kind].find(transaction.connection, row.key)
        if record is None:
            raise ChangeRefused(ChangeFault.NOT_FOUND)
        is_named = isinstance(record, BudgetRecord)
        budget: BudgetRecord | None = record if is_named else record.budget
        if budget is None or budget.named is not is_named:
            typer.echo("gatepass: the row has no budget of its own to raise", err=True)
            raise ChangeRefused(ChangeFault.BAD_VALUE, "budget")
        wanted = RaisedBudget(BudgetTemplate.of(budget.to_budget()), raised)
        if row.kind is Kind.BUDGET:
            return await update_budget(transaction, row.key[0], wanted)
        return await update(transaction, row, cast("Fields", {"budget": wanted}))

    return change_row(config, row, change, as_json=as_json)


def to_raise(by: str | None, until: str | None, *, end: bool) -> Raise | None:
    """Return by how much and until when, or None when a raise is to end.

    Raises:
        ConfigurationError: the options say something else.

    """
    if end and by is None and until is None:
        return None
    if end or by is None or until is None:
        raise ConfigurationError(["--by and --until belong together, or --end stands alone"])
    try:
        budget = to_whole_budget(by)
    except BadValue as wrong:
        raise ConfigurationError([f"--by: {one.sentence}" for one in wrong.findings]) from wrong
    amounts = {limit.unit: limit.hard for limit in budget.limits if limit.soft is None}
    if budget.window != FOREVER or len(amounts) != len(budget.limits):
        raise ConfigurationError(["--by: must be amounts alone, such as $10 and 100 requests"])
    units = (amounts.get(unit) or 0 for unit in (Unit.MONEY, Unit.TOKENS, Unit.REQUESTS))
    return Raise(_to_moment(until), *units)


def _to_moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(aware.astimezone(UTC).timestamp())
    except (ValueError, OverflowError) as wrong:
        sentence = "--until: must be a time, such as 2026-12-31 or 2026-12-31T18:00:00+01:00"
        raise ConfigurationError([sentence]) from wrong
