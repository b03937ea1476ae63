"""Budgets of rows and named ones: what goes on, what starts anew, what goes."""

import pytest

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.changes.budgets import (
    create_budget,
    delete_budget,
    update_budget,
)
from gatepass.plugin.directory.changes.faults import ChangeFault
from gatepass.plugin.directory.changes.money import BudgetSetting, NamedBudget, RaisedBudget
from gatepass.plugin.directory.changes.records import BudgetRecord
from gatepass.plugin.directory.changes.teams import create_team, update_team
from gatepass.plugin.directory.database import Database
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.settings.budget_text import parse_budget
from gatepass.rbac.budgets import Limit, Raise, Unit
from gatepass.rbac.windows import Calendar, Period, Rolling
from support.changes import NOW, audited, change, refused
from support.directories import Where, query

LATER = NOW + 1000
MONTHLY = parse_budget("$50 and soft $40 and 1000 tokens per month in Europe/Berlin")
EVERY_MINUTE = parse_budget("$10 per 60s")


async def made(database: Database, budget: BudgetSetting) -> BudgetRecord | None:
    async with change(database) as transaction:
        return (await create_team(transaction, "red", {"budget": budget})).budget


async def changed(database: Database, budget: BudgetSetting) -> BudgetRecord | None:
    async with change(database, now=LATER) as transaction:
        return (await update_team(transaction, "red", {"budget": budget})).budget


async def test_a_limit_that_changes_keeps_its_id_and_its_window(database: Database) -> None:
    before = await made(database, EVERY_MINUTE)
    after = await changed(database, parse_budget("$20 per 60s"))
    assert before is not None
    assert after is not None
    assert (after.budget_id, after.version) == (before.budget_id, 2)
    assert after.limit_nano_usd == 20_000_000_000
    assert (before.anchor, after.anchor) == (NOW, NOW)


async def test_a_window_of_another_length_starts_anew(database: Database) -> None:
    await made(database, EVERY_MINUTE)
    after = await changed(database, parse_budget("$10 per 30s"))
    assert after is not None
    assert (after.window_seconds, after.anchor) == (30, LATER)


async def test_windows_of_models_go_on_where_they_are_as_long(database: Database) -> None:
    def limits(mini: int, big: int) -> BudgetTemplate:
        return BudgetTemplate(
            (
                Limit(Unit.MONEY, 9),
                Limit(Unit.MONEY, mini, model="mini*", window=Rolling(60, 0)),
                Limit(Unit.TOKENS, 5, model="big*", window=Rolling(big, 0)),
            )
        )

    await made(database, limits(1, 60))
    after = await changed(database, limits(2, 90))
    assert after is not None
    by_model = {limit.model: limit for limit in after.to_budget().limits}
    assert by_model["mini*"].hard == 2
    assert by_model["mini*"].window == Rolling(60, NOW)
    assert by_model["big*"].window == Rolling(90, LATER)


async def test_what_is_no_longer_said_is_gone(database: Database) -> None:
    first = await made(database, MONTHLY)
    assert first is not None
    assert first.to_budget().window == Calendar(Period.MONTH, "Europe/Berlin")
    after = await changed(database, EVERY_MINUTE)
    assert after is not None
    assert after.to_budget().limits == (Limit(Unit.MONEY, 10_000_000_000),)
    assert (after.calendar_period, after.time_zone, after.soft_nano_usd) == (None, None, None)


async def test_the_same_said_again_changes_nothing(database: Database, where: Where) -> None:
    for template in (MONTHLY, EVERY_MINUTE):
        await changed(database, template) if audited(where) else await made(database, template)
        entries = len(audited(where))
        await changed(database, template)
        assert len(audited(where)) == entries


async def test_a_raise_stays_until_it_is_spoken_of(database: Database) -> None:
    raised = Raise(until=LATER + 100, nano=7)
    first = await made(database, RaisedBudget(EVERY_MINUTE, raised))
    assert first is not None
    assert first.to_budget().raised == raised
    kept = await changed(database, parse_budget("$20 per 60s"))
    assert kept is not None
    assert kept.to_budget().raised == raised
    same = await changed(database, RaisedBudget(parse_budget("$20 per 60s"), raised))
    assert same == kept
    gone = await changed(database, RaisedBudget(parse_budget("$20 per 60s"), None))
    assert gone is not None
    assert gone.to_budget().raised is None


async def test_a_rows_own_budget_goes_when_it_is_no_longer_the_rows(
    database: Database, where: Where
) -> None:
    await made(database, EVERY_MINUTE)
    async with change(database) as transaction:
        await create_budget(transaction, "small", MONTHLY)
    named = await changed(database, NamedBudget("small"))
    assert named is not None
    assert (named.budget_id, named.named) == ("small", True)
    assert query(where, "SELECT budget_id FROM budgets") == [("small",)]
    again = await changed(database, EVERY_MINUTE)
    assert again is not None
    assert (again.named, again.budget_id != "small") == (False, True)
    assert await changed(database, None) is None
    assert query(where, "SELECT budget_id FROM budgets") == [("small",)]


async def test_a_named_budget_changes_for_all_and_stays_while_it_is_used(
    database: Database,
) -> None:
    told: list[Changed] = []
    async with change(database) as transaction:
        await create_budget(transaction, "small", EVERY_MINUTE)
        await create_team(transaction, "red", {"member_budget": NamedBudget("small")})
    async with change(database, told, now=LATER) as transaction:
        after = await update_budget(transaction, "small", parse_budget("$9 per 60s"), version=1)
        same = await update_budget(transaction, "small", parse_budget("$9 per 60s"))
    assert after == same
    assert (after.limit_nano_usd, after.anchor, after.version) == (9_000_000_000, NOW, 2)
    assert told == [Changed("budget", "small")]
    async with refused(database, ChangeFault.IN_USE, "budget_id") as transaction:
        await delete_budget(transaction, "small")
    async with change(database) as transaction:
        await update_team(transaction, "red", {"member_budget": None})
        await delete_budget(transaction, "small")


async def test_a_rows_own_budget_is_nobody_elses(database: Database) -> None:
    own = await made(database, EVERY_MINUTE)
    assert own is not None
    async with refused(database, ChangeFault.NOT_FOUND) as transaction:
        await update_budget(transaction, own.budget_id, MONTHLY)
    async with refused(database, ChangeFault.NOT_FOUND) as transaction:
        await delete_budget(transaction, own.budget_id)
    for budget_id in (own.budget_id, "nowhere"):
        async with refused(database, ChangeFault.REFERENCE_UNKNOWN, "budget_id") as transaction:
            await create_team(transaction, "blue", {"budget": NamedBudget(budget_id)})


@pytest.mark.parametrize(
    "template",
    [
        BudgetTemplate(()),
        BudgetTemplate((Limit(Unit.MONEY, 1), Limit(Unit.MONEY, 2))),
        BudgetTemplate((Limit(Unit.MONEY, 1, model=""),)),
    ],
)
async def test_limits_that_cannot_be_are_refused(
    database: Database, template: BudgetTemplate
) -> None:
    async with refused(database, ChangeFault.BAD_VALUE, "budget") as transaction:
        await create_team(transaction, "red", {"budget": template})
    async with refused(database, ChangeFault.BAD_VALUE, "budget") as transaction:
        await create_budget(transaction, "small", template)


async def test_sec_59_a_budget_that_cannot_be_is_not_no_budget(
    database: Database, where: Where
) -> None:
    own = await made(database, EVERY_MINUTE)
    assert own is not None
    query(where, "UPDATE budgets SET model_limits = 'no JSON'")
    with pytest.raises(StoreUnavailable):
        await changed(database, MONTHLY)
