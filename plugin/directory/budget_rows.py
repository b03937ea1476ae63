"""Budgets as rows: making those of new rows, and reading what is stored, strictly.

`model_limits` is a JSON list of objects with `model`, `unit`, `hard`, `soft`, and the window where
it is not that of the whole budget: `seconds` and `anchor`, `period` and `zone`, or `forever`.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.budgets.amounts import check_amount
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.tables import budgets
from gatepass.rbac.budgets import Budget, Limit, Raise, Unit
from gatepass.rbac.models import compile_models
from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling, Window

_COLUMNS = {
    Unit.MONEY: ("limit_nano_usd", "soft_nano_usd"),
    Unit.TOKENS: ("limit_tokens", "soft_tokens"),
    Unit.REQUESTS: ("limit_requests", "soft_requests"),
}
_RAISED = ("raised_nano_usd", "raised_tokens", "raised_requests")
BUDGET_COLUMNS = (
    *(column for columns in _COLUMNS.values() for column in columns),
    *("window_seconds", "anchor", "calendar_period", "time_zone"),
    *("model_limits", "raised_until", *_RAISED),
)
"""All columns of a budget but its id."""
_ANCHOR = BUDGET_COLUMNS.index("anchor")


class _ModelLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    model: str
    unit: Unit
    hard: int | None = None
    soft: int | None = None
    seconds: int | None = None
    anchor: int = 0
    period: Period | None = None
    zone: str | None = None
    forever: bool = False


_MODEL_LIMITS = msgspec.json.Decoder(tuple[_ModelLimit, ...])


async def make_budget(
    connection: AsyncConnection, template: BudgetTemplate | None, now: int
) -> str | None:
    """Insert a budget whose first window starts now, and return its id; None stays None."""
    if template is None:
        return None
    budget = template.begin(uuid4().hex, now)
    await connection.execute(insert(budgets).values(**budget_values(budget, now)))
    return budget.budget_id


def budget_values(budget: Budget, now: int) -> dict[str, str | int | None]:
    """Return the columns of a budget; `now` is when it is made, in seconds since the epoch."""
    window = budget.window
    values: dict[str, str | int | None] = {
        "budget_id": budget.budget_id,
        "window_seconds": window.seconds if isinstance(window, Rolling) else None,
        "anchor": window.anchor if isinstance(window, Rolling) else now,
        "calendar_period": window.period.value if isinstance(window, Calendar) else None,
        "time_zone": window.zone if isinstance(window, Calendar) else None,
    }
    of_models = []
    for limit in budget.limits:
        if limit.model is None:
            hard, soft = _COLUMNS[limit.unit]
            values |= {hard: limit.hard, soft: limit.soft}
        else:
            of_models.append(_to_stored(limit, limit.model))
    values["model_limits"] = msgspec.json.encode(of_models).decode()
    raised = budget.raised
    if raised is not None:
        amounts = (raised.nano, raised.tokens, raised.requests)
        values |= {"raised_until": raised.until, **dict(zip(_RAISED, amounts, strict=True))}
    return values


def read_budget(row: RowMapping | Mapping[str, Any], prefix: str) -> Budget | None:
    """Return the budget in the columns of a prefix; one that is named but not there is an error.

    Raises:
        ValueError: a column holds what it cannot hold.
        InvalidAmount: an amount is none.

    """
    budget_id = row[f"{prefix}_budget_id"]
    if budget_id is None:
        return None
    return to_budget(budget_id, [row[f"{prefix}_{column}"] for column in BUDGET_COLUMNS])


def to_budget(budget_id: str, columns: Sequence[object]) -> Budget:
    """Return the budget whose BUDGET_COLUMNS these are.

    Raises:
        ValueError: a column holds what it cannot hold, or there are more or fewer of them.
        InvalidAmount: an amount is none.

    """
    check_amount(columns[_ANCHOR])  # there is no budget without
    return _read(budget_id, *columns)


@lru_cache(maxsize=10_000, typed=True)
def _read(budget_id: str, *columns: Any) -> Budget:  # noqa: ANN401 - whatever the store holds
    row = dict(zip(BUDGET_COLUMNS, columns, strict=True))
    limits = [
        _limit(unit, row[hard], row[soft])
        for unit, (hard, soft) in _COLUMNS.items()
        if row[hard] is not None or row[soft] is not None
    ]
    limits += _from_stored(row["model_limits"])
    if not limits:
        raise ValueError("a budget without any limit")
    window = _window(row["window_seconds"], row["anchor"], row["calendar_period"], row["time_zone"])
    raised = None
    if row["raised_until"] is not None:
        raised = Raise(row["raised_until"], *(row[column] or 0 for column in _RAISED))
    return Budget(budget_id, tuple(limits), window, raised)


def _limit(unit: Unit, hard: object, soft: object) -> Limit:
    for amount in (hard, soft):
        if amount is not None:
            check_amount(amount)
    return Limit(unit, hard, soft)  # type: ignore[arg-type] # checked above


def _window(seconds: int | None, anchor: int, period: str | None, zone: str | None) -> Window:
    if period is not None:
        return Calendar(Period(period), zone or "")
    if seconds is None:
        return FOREVER
    check_amount(seconds)
    return Rolling(seconds, anchor)


def _to_stored(limit: Limit, model: str) -> _ModelLimit:
    stored = _ModelLimit(model, limit.unit, limit.hard, limit.soft)
    window = limit.window
    if isinstance(window, Rolling):
        return msgspec.structs.replace(stored, seconds=window.seconds, anchor=window.anchor)
    if isinstance(window, Calendar):
        return msgspec.structs.replace(stored, period=window.period, zone=window.zone)
    return stored if window is None else msgspec.structs.replace(stored, forever=True)


def _from_stored(text: str) -> Iterator[Limit]:
    for stored in _MODEL_LIMITS.decode(text):
        compile_models((stored.model,))
        window: Window | None = FOREVER if stored.forever else None
        if stored.seconds is not None or stored.period is not None:
            window = _window(stored.seconds, stored.anchor, stored.period, stored.zone)
        yield Limit(stored.unit, stored.hard, stored.soft, stored.model, window)
