"""Whether the counters are what the ledger says, and making them so again.

What a counter should have spent is the sum of the charges of its window: of the records, and of
those that were taken out and carried over. What it should have reserved is what open reservations
hold. Only the last window of a counter matters. All of it is read as of one moment, also beside a
service that is at work.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.ledger_counting import Spent
from gatepass.plugin.budgets.ledger_rows import Charge, UnreadableRow, charges_from_json
from gatepass.plugin.budgets.tables import (
    budget_counters,
    budget_reservations,
    ledger,
    ledger_carried,
)
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.budgets import MAX_AMOUNT

_ROWS_AT_ONCE = 1_000
_STILL = text(
    "LOCK TABLE budget_reservations, budget_counters, ledger, ledger_carried "
    "IN SHARE ROW EXCLUSIVE MODE"
)


class Difference(NamedTuple):
    """A counter that is not as the ledger says."""

    counter: str
    what: str
    counted: int
    expected: int


class _Stored(NamedTuple):
    spent: Spent
    reserved: int
    definition: str


async def charged(connection: AsyncConnection) -> dict[str, Spent]:
    """Return what the ledger says of the last window of every counter.

    Raises:
        StoreUnavailable: there are rows that nobody can read.

    """
    last: dict[str, Spent] = {}
    carried = await connection.stream(select(ledger_carried))
    async for row in carried:
        _add(last, Charge(row.counter, row.since, row.ends_at, row.amount))
    records = await connection.stream(
        select(ledger.c.charges).order_by(ledger.c.settled_at),
        execution_options={"yield_per": _ROWS_AT_ONCE},
    )
    async for row in records:
        for charge in read_charges(row.charges):
            _add(last, charge)
    return last


async def differences(connection: AsyncConnection, now: float) -> list[Difference]:
    """Return what is wrong with the counters; `now` is seconds since the epoch.

    Raises:
        StoreUnavailable: there are rows that nobody can read.

    """
    expected, held = await charged(connection), await _held(connection)
    stored = await _stored(connection)
    found = []
    for counter in sorted(expected.keys() | stored.keys()):
        should, has = expected.get(counter), stored.get(counter)
        if has is None:
            if should is not None and not _is_past(should, now):
                found.append(Difference(counter, "spent", 0, should.amount))
            continue
        if should is not None and should.since > has.spent.since:
            found.append(Difference(counter, "window", has.spent.since, should.since))
            continue
        amount = should.amount if should is not None and should.since == has.spent.since else 0
        if has.spent.amount != amount:
            found.append(Difference(counter, "spent", has.spent.amount, amount))
        reserved = held.get((counter, has.spent.since), 0)
        if has.reserved != reserved:
            found.append(Difference(counter, "reserved", has.reserved, reserved))
    return found


async def rebuild(connection: AsyncConnection) -> int:
    """Make all counters anew, and return how many there are; nobody else may write meanwhile.

    Raises:
        StoreUnavailable: there are rows that nobody can read.

    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_STILL)
    expected, held = await charged(connection), await _held(connection)
    stored = await _stored(connection)
    rows = []
    for counter in expected.keys() | {name for name, _ in held}:
        spent, has = expected.get(counter), stored.get(counter)
        if has is not None and (spent is None or has.spent.since > spent.since):
            spent = has.spent._replace(amount=0)  # a window in which nothing has ended yet
        if spent is None:
            continue
        same = has is not None and has.spent.since == spent.since
        rows.append(
            {
                "counter": counter,
                "definition": has.definition if has is not None and same else "",
                "since": spent.since,
                "ends_at": has.spent.ends_at if has is not None and same else spent.ends_at,
                "spent": spent.amount,
                "reserved": held.get((counter, spent.since), 0),
            }
        )
    await connection.execute(delete(budget_counters))
    if rows:
        await connection.execute(insert(budget_counters), rows)
    return len(rows)


async def _stored(connection: AsyncConnection) -> Mapping[str, _Stored]:
    found = await connection.execute(select(budget_counters))
    return {
        row.counter: _Stored(Spent(row.since, row.ends_at, row.spent), row.reserved, row.definition)
        for row in found
    }


async def _held(connection: AsyncConnection) -> Mapping[tuple[str, int], int]:
    held: dict[tuple[str, int], int] = defaultdict(int)
    found = await connection.execute(
        select(budget_reservations.c.holds).where(budget_reservations.c.state == "open")
    )
    for row in found:
        for counter, since, _, _, amount in msgspec.json.decode(row.holds):
            held[counter, since] += amount
    return held


def _add(last: dict[str, Spent], charge: Charge) -> None:
    known = last.get(charge.key)
    if known is None or known.since < charge.since:
        last[charge.key] = Spent(charge.since, charge.ends_at, charge.amount)
    elif known.since == charge.since:
        amount = min(known.amount + charge.amount, MAX_AMOUNT)
        last[charge.key] = Spent(known.since, charge.ends_at, amount)


def read_charges(charges: str) -> tuple[Charge, ...]:
    """Return the charges of a row.

    Raises:
        StoreUnavailable: nobody can read them.

    """
    try:
        return charges_from_json(charges)
    except UnreadableRow as error:
        raise StoreUnavailable from error


def _is_past(spent: Spent, now: float) -> bool:
    return spent.ends_at is not None and spent.ends_at <= now
