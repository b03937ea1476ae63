"""Budgets as people write them: what may be used of what, per which window.

    $50 per 30d
    $50 and soft $40 and 2000000 tokens and 1000 requests per month in Europe/Berlin
    500 requests per day
    $50

A duration starts when the row is made; a day, a week (from Monday), a month, a quarter or a year is
the calendar's, in UTC unless a time zone is named; without a period nothing ever comes back. A soft
amount refuses nothing: it is told of.
"""

import re
from collections.abc import Sequence

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.units import (
    format_duration,
    format_money,
    parse_duration,
    parse_money,
)
from gatepass.rbac.budgets import Limit, Unit
from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling, Window

_COUNTED = re.compile(r"([0-9]{1,15}) (token|request)s?")
_UNITS = {"token": Unit.TOKENS, "request": Unit.REQUESTS}
_NO_PERIOD = (
    'not a period; write "per 30d" with s, m, h or d, or "per day", "week", "month", "quarter" or '
    '"year", which may be followed by "in" and a time zone'
)


def parse_budget(text: str) -> BudgetTemplate:
    """Return what a budget's text says.

    Raises:
        BadValue: for any other text.

    """
    written, separator, period = text.partition(" per ")
    amounts: dict[tuple[Unit, bool], int] = {}
    for part in written.split(" and "):
        hard = not part.startswith("soft ")
        unit, amount = _parse_amount(part.removeprefix("soft "))
        if (unit, hard) in amounts:
            raise BadValue("names two amounts of the same kind")
        amounts[unit, hard] = amount
    limits = tuple(
        Limit(unit, amounts.get((unit, True)), amounts.get((unit, False)))
        for unit in Unit
        if (unit, True) in amounts or (unit, False) in amounts
    )
    if any(_is_soft_above(limit) for limit in limits):
        raise BadValue("a soft amount must be below the one that refuses")
    return BudgetTemplate(limits, parse_period(period) if separator else FOREVER)


def budget_text(limits: Sequence[Limit], window: Window) -> str:
    """Return the text that reads back as these limits, of which no two are of one unit."""
    amounts = []
    for limit in limits:
        if limit.hard is not None:
            amounts.append(_amount_text(limit.unit, limit.hard))
        if limit.soft is not None:
            amounts.append(f"soft {_amount_text(limit.unit, limit.soft)}")
    return " and ".join(amounts) + period_text(window)


def period_text(window: Window) -> str:
    """Return ` per ...` as it is read back; nothing where nothing ever comes back."""
    if isinstance(window, Rolling):
        return f" per {format_duration(window.seconds)}"
    if isinstance(window, Calendar):
        zone = "" if window.zone == "UTC" else f" in {window.zone}"
        return f" per {window.period}{zone}"
    return ""


def _amount_text(unit: Unit, amount: int) -> str:
    if unit is Unit.MONEY:
        return format_money(amount)
    name = "token" if unit is Unit.TOKENS else "request"
    return f"{amount} {name}{'' if amount == 1 else 's'}"


def parse_period(text: str) -> Window:
    """Return the window of a period: `30d`, `month`, `month in Europe/Berlin`.

    A duration's anchor is 0.

    Raises:
        BadValue: for any other text.

    """
    name, separator, zone = text.partition(" in ")
    if name in tuple(Period):
        try:
            return Calendar(Period(name), zone if separator else "UTC")
        except ValueError as unknown:
            raise BadValue("not a time zone; write it like Europe/Berlin") from unknown
    if separator:
        raise BadValue("a duration has no time zone")
    try:
        seconds = parse_duration(name)
    except BadValue as unreadable:
        raise BadValue(_NO_PERIOD) from unreadable
    if seconds == 0:
        raise BadValue("the period must be longer than nothing")
    return Rolling(seconds, 0)


def _parse_amount(text: str) -> tuple[Unit, int]:
    counted = _COUNTED.fullmatch(text)
    if counted is not None:
        return _UNITS[counted[2]], int(counted[1])
    return Unit.MONEY, parse_money(text)


def _is_soft_above(limit: Limit) -> bool:
    return limit.hard is not None and limit.soft is not None and limit.soft > limit.hard
