"""The ledger in a file and on a server: kept once, whole or not at all, and counted beside it."""

import asyncio
from collections.abc import Sequence

import pytest

from gatepass.plugin.budgets.ledger_rows import COLUMNS, Outcome, from_columns
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.budgets import MAX_AMOUNT
from support.directories import Where, query
from support.ledgers import ANN, RED, charge, counted, open_ledger, row, stored


def check_counted(where: Where, expected: Sequence[tuple[object, ...]]) -> None:
    """Compare the counters beside a ledger in a file; beside one on a server there are none."""
    assert counted(where) == ([] if isinstance(where, str) else expected)


async def test_records_come_back_as_they_were(where: Where) -> None:
    rows = [row(1), row(2, issuer=None, model=None, price_version=None, charges=())]
    async with open_ledger(where) as ledger:
        await ledger.append(rows)
    assert [from_columns(columns) for columns in stored(where, ", ".join(COLUMNS))] == rows
    check_counted(where, [(RED, 100, 200, 5)])


async def test_a_record_that_comes_again_counts_once(where: Where) -> None:
    async with open_ledger(where) as ledger:
        await ledger.append([row(1), row(2)])
        await ledger.append([row(1), row(2), row(3)])
        await ledger.append([row(1, nano=9, charges=(charge(9),))])
    assert stored(where) == [(f"r-{n}", 5, "settled") for n in (1, 2, 3)]
    check_counted(where, [(RED, 100, 200, 15)])


async def test_the_same_id_at_another_time_is_another_call(where: Where) -> None:
    async with open_ledger(where) as ledger:
        await ledger.append([row(1), row(1, at=7)])
    assert stored(where, "request_id, at") == [("r-1", 7), ("r-1", 1_000_000)]
    check_counted(where, [(RED, 100, 200, 10)])


async def test_a_late_settlement_takes_the_place_of_the_charge(where: Where) -> None:
    expired = row(1, outcome=Outcome.EXPIRED, nano=50, charges=(charge(50), charge(50, ANN)))
    late = row(1, outcome=Outcome.LATE, nano=7, charges=(charge(7), charge(7, ANN)))
    async with open_ledger(where) as ledger:
        await ledger.append([expired])
        check_counted(where, [(RED, 100, 200, 50), (ANN, 100, 200, 50)])
        for _ in range(2):
            await ledger.append([late])
        await ledger.append([expired])
    assert stored(where) == [("r-1", 7, "late")]
    check_counted(where, [(RED, 100, 200, 7), (ANN, 100, 200, 7)])


async def test_counters_only_roll_forward(where: Where) -> None:
    async with open_ledger(where) as ledger:
        await ledger.append([row(1), row(2, charges=(charge(3, since=200, ends_at=300),))])
        await ledger.append([row(3, charges=(charge(4),))])
        check_counted(where, [(RED, 200, 300, 3)])
        await ledger.append([row(4, charges=(charge(1, since=200, ends_at=None),))])
    check_counted(where, [(RED, 200, None, 4)])


async def test_sec_59_the_largest_amounts_do_not_overflow(where: Where) -> None:
    most = row(1, nano=MAX_AMOUNT, charges=(charge(MAX_AMOUNT),))
    async with open_ledger(where) as ledger:
        await ledger.append([most, row(2)])
        await ledger.append([row(3)])
    check_counted(where, [(RED, 100, 200, MAX_AMOUNT)])


async def test_what_a_database_cannot_store_does_not_stop_the_others(where: Where) -> None:
    async with open_ledger(where) as ledger:
        await ledger.append([row(1, model="a\0b"), row(2, user_id="\ud800"), row(3, model="ü")])
    assert stored(where, "model, user_id") == [
        ("a\ufffdb", "ann"),
        ("gpt-4o", "?"),
        ("ü", "ann"),
    ]


async def test_a_group_is_kept_whole_or_not_at_all(where: Where) -> None:
    async with open_ledger(where) as ledger:
        with pytest.raises(Exception, match=r"(?i)check") as caught:
            await ledger.append([row(1), row(2, nano=-1), row(3)])
        assert not isinstance(caught.value, StoreUnavailable)
        assert stored(where) == []
        check_counted(where, [])
        await ledger.append([row(1)])
    assert len(stored(where)) == 1


async def test_nothing_is_counted_where_others_count(where: Where) -> None:
    async with open_ledger(where, counts=False) as ledger:
        await ledger.append([row(1), row(2)])
    assert len(stored(where)) == 2
    check_counted(where, [])


async def test_writers_beside_each_other_lose_nothing(where: Where) -> None:
    async with open_ledger(where, counts=False) as one, open_ledger(where, counts=False) as two:
        rows = [row(number) for number in range(100)]
        await asyncio.gather(one.append(rows), two.append(rows[::-1]))
    assert len(stored(where)) == 100


async def test_a_ledger_that_is_not_there_is_unavailable(where: Where) -> None:
    query(where, "ALTER TABLE ledger RENAME TO elsewhere")
    try:
        async with open_ledger(where) as ledger:
            with pytest.raises(StoreUnavailable):
                await ledger.append([row(1)])
            query(where, "ALTER TABLE elsewhere RENAME TO ledger")
            await ledger.append([row(1)])
        assert len(stored(where)) == 1
    finally:
        query(where, "DROP TABLE IF EXISTS elsewhere")
