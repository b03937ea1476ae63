"""What lies in Redis is read back as it was written, and what somebody else wrote is no answer."""

from math import inf

import pytest

from gatepass.plugin.budgets.amounts import MAX_NANO_USD, Amounts
from gatepass.plugin.budgets.engine import Call, Cost, Payer
from gatepass.plugin.budgets.ledger_rows import Outcome
from gatepass.plugin.budgets.limits import AppliedLimit, Scope
from gatepass.plugin.budgets.redis.layout import (
    Keys,
    StoredCount,
    read_call,
    read_counters,
    write_counter,
)
from gatepass.plugin.budgets.redis.memo import (
    Memos,
    read_end,
    read_memo,
    write_end,
    write_overdue,
)
from gatepass.plugin.budgets.redis.prepared import PreparedLimits, Standings
from gatepass.plugin.budgets.redis.stream import ledger_row
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.metering.prices import PartRates, Price, Usage
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER, Rolling

KEYS = Keys("tests")
TIER = Price(5, 6, 7)
PRICES = [
    None,
    Price(1, 2, 3),
    Price(1, 2, 3, PartRates(cached=1, reasoning=4), 9, ((200_000, TIER),), "v1"),
]


@pytest.mark.parametrize("amount", [0, 1, 10**9 - 1, 10**9, 2**53 + 1, MAX_NANO_USD])
@pytest.mark.parametrize("end", [None, 2**32 - 1])
def test_sec_59_amounts_are_exact_to_the_last_one(amount: int, end: int | None) -> None:
    count = StoredCount(amount, MAX_NANO_USD - amount, 1_767_225_570, end, 4_000_000_000)
    assert read_counters(write_counter(count) * 2) == (count, count)


@pytest.mark.parametrize("price", PRICES)
def test_a_memo_brings_back_whom_and_what_price(price: Price | None) -> None:
    who = Payer("https://idp.example", "ann", None, "acme", None)
    memos = Memos()
    for _ in range(2):  # the second time the price is known
        memo, read = read_memo(memos.write(Call("r-1", (), Amounts(), who, "gpt-4o", price)))
        assert (memo.request_id, memo.who, memo.model, read) == ("r-1", who, "gpt-4o", price)


def test_an_end_says_how_and_what_of() -> None:
    used = read_end(write_end(Cost(Amounts(1, 2, 3), Usage(9, 8, cached_tokens=7)), 5))
    assert (used.amounts, used.input_tokens, used.cached_tokens) == (Amounts(1, 2, 3), 9, 7)
    assert used.is_counted
    assert not read_end(write_end(Cost(Amounts(1)), 5)).is_counted
    late = read_end(write_overdue(6, charged=True))
    assert (late.outcome, late.ended_at, late.charged, late.amounts) == (
        Outcome.EXPIRED,
        6,
        True,
        None,
    )


@pytest.mark.parametrize("garbage", [b"", b"x", b"\xff" * 80, b"{}"])
def test_sec_59_what_somebody_else_wrote_is_no_answer(garbage: bytes) -> None:
    with pytest.raises(StoreUnavailable):
        read_call(garbage, KEYS)
    with pytest.raises(StoreUnavailable):
        read_memo(garbage)
    with pytest.raises(StoreUnavailable):
        read_end(garbage)
    with pytest.raises(StoreUnavailable):
        ledger_row({b"call": garbage, b"end": garbage}, KEYS)
    with pytest.raises(StoreUnavailable):
        ledger_row({}, KEYS)
    if garbage:
        with pytest.raises(StoreUnavailable):
            read_counters(garbage)


def test_limits_are_written_anew_when_they_count_otherwise() -> None:
    prepared = PreparedLimits(KEYS.counter)
    hourly = AppliedLimit(
        Scope.TEAM, "red", "b", Unit.MONEY, Rolling(3600, 0), 10, raised_by=5, raised_until=100
    )
    endless = AppliedLimit(Scope.USER, "ann", "b", Unit.TOKENS, FOREVER, None)
    limits = (hourly, endless)
    raised = prepared.at(limits, 50)
    assert prepared.at(limits, 99.9) is raised
    usual = prepared.at(limits, 100)
    assert usual.written != raised.written
    assert prepared.at(limits, 3_600).written != usual.written, "another window"
    assert (raised.begins, raised.ends) == (0, 100)
    assert prepared.at((), 0).ends == inf


def test_standings_are_worked_out_when_somebody_looks() -> None:
    limit = AppliedLimit(Scope.TEAM, "red", "b", Unit.MONEY, Rolling(60, 0), 10)
    standings = Standings((limit,), b"garbage", 30)
    assert len(standings) == 1
    with pytest.raises(StoreUnavailable):
        standings[0]
    past = write_counter(StoredCount(7, 1, 1, 20, 0))
    assert (standing := Standings((limit,), past, 30)[0]).spent == 0
    assert standing.ends_at == 60
    assert Standings((limit,), past, 10)[0:][0].spent == 7
