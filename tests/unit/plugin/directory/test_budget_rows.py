"""Budgets as rows: whatever one can say comes back, and what cannot be is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from gatepass.plugin.budgets.amounts import InvalidAmount
from gatepass.plugin.directory.budget_rows import BUDGET_COLUMNS, budget_values, to_budget
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.tables import budgets
from gatepass.rbac.budgets import MAX_AMOUNT, Budget, Limit, Raise, Unit
from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling

AMOUNTS = st.integers(0, MAX_AMOUNT)
MODELS = st.sampled_from([None, "gpt-4o", "gpt-*", "*"])
WINDOWS = st.one_of(
    st.just(FOREVER),
    st.builds(Rolling, st.integers(1, MAX_AMOUNT), AMOUNTS),
    st.builds(Calendar, st.sampled_from(Period), st.sampled_from(["UTC", "Europe/Berlin"])),
)
OWN_WINDOWS = WINDOWS.filter(lambda window: window != FOREVER)


@st.composite
def some_budgets(draw: st.DrawFn) -> Budget:
    of = draw(st.sets(st.tuples(st.sampled_from(Unit), MODELS), min_size=1))
    in_order = sorted(
        of, key=lambda pair: (pair[1] is not None, pair[1] or "", list(Unit).index(pair[0]))
    )
    limits = []
    for unit, model in in_order:
        hard = draw(st.none() | AMOUNTS)
        soft = draw(AMOUNTS) if hard is None else draw(st.none() | AMOUNTS)
        window = None if model is None else draw(st.none() | OWN_WINDOWS)
        limits.append(Limit(unit, hard, soft, model, window))
    raised = draw(st.none() | st.builds(Raise, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS))
    return Budget("b", tuple(limits), draw(WINDOWS), raised)


@given(some_budgets())
def test_whatever_a_budget_says_comes_back(budget: Budget) -> None:
    row = {**dict.fromkeys(BUDGET_COLUMNS), **budget_values(budget, 7)}
    assert to_budget("b", [row[column] for column in BUDGET_COLUMNS]) == budget


async def test_the_database_keeps_it(tmp_path: Path) -> None:
    budget = Budget(
        "b",
        (
            Limit(Unit.MONEY, MAX_AMOUNT, 5),
            Limit(Unit.TOKENS, None, 0),
            Limit(Unit.REQUESTS, 3, model="gpt-*", window=Rolling(60, 9)),
            Limit(Unit.MONEY, 4, model="o3", window=Calendar(Period.DAY, "Asia/Tokyo")),
        ),
        Calendar(Period.QUARTER, "America/New_York"),
        Raise(100, nano=1, requests=MAX_AMOUNT),
    )
    database = Database(f"sqlite:///{tmp_path}/gatepass.db")
    await database.open()
    async with database.writing() as connection:
        await connection.execute(insert(budgets).values(**budget_values(budget, 7)))
    async with database.reading() as connection:
        columns = [budgets.c[column] for column in BUDGET_COLUMNS]
        (row,) = (await connection.execute(select(*columns))).all()
    assert to_budget("b", list(row)) == budget
    await database.close()


GOOD = budget_values(Budget("b", (Limit(Unit.MONEY, 5),)), 7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit_nano_usd": None},
        {"limit_nano_usd": 1.5},
        {"soft_nano_usd": "lots"},
        {"limit_tokens": True},
        {"window_seconds": 0},
        {"window_seconds": "daily"},
        {"anchor": None},
        {"calendar_period": "fortnight", "time_zone": "UTC"},
        {"calendar_period": "day", "time_zone": "Nowhere"},
        {"calendar_period": "day", "time_zone": None},
        {"raised_until": 5, "raised_nano_usd": -1},
        {"model_limits": "{}"},
        {"model_limits": "nonsense"},
        {"model_limits": '[{"model": "a", "unit": "money"}]'},
        {"model_limits": '[{"model": "a", "unit": "apples", "hard": 1}]'},
        {"model_limits": '[{"model": "a", "unit": "money", "hard": -1}]'},
        {"model_limits": '[{"model": "a", "unit": "money", "hard": 1.5}]'},
        {"model_limits": '[{"model": "", "unit": "money", "hard": 1}]'},
        {"model_limits": '[{"model": "a", "unit": "money", "hard": 1, "more": 1}]'},
        {"model_limits": '[{"model": "a", "unit": "money", "hard": 1, "seconds": 0}]'},
        {"model_limits": '[{"model": "a", "unit": "money", "hard": 1, "period": "day"}]'},
        {
            "model_limits": '[{"model": "a", "unit": "money", "hard": 1}, '
            '{"model": "a", "unit": "money", "hard": 2}]'
        },
    ],
    ids=str,
)
def test_sec_59_a_row_that_cannot_be_is_no_budget(wrong: dict[str, object]) -> None:
    row = {**dict.fromkeys(BUDGET_COLUMNS), **GOOD, **wrong}
    with pytest.raises((ValueError, InvalidAmount)):
        to_budget("b", [row[column] for column in BUDGET_COLUMNS])
