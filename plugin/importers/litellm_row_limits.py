"""The limits in LiteLLM's rows: money, tokens and requests, in windows, also of single models.

`max_budget` refuses and `soft_budget` tells, both per `budget_duration`; `1mo` is the calendar's
month in UTC. `tpm_limit` and `rpm_limit` are tokens and requests of all models per minute, and
`model_max_budget` is money for single models, each in a window of its own. 0 lets nothing through.
"""

import re
from decimal import ROUND_FLOOR, Decimal

from gatepass.plugin.budgets.amounts import NANO_PER_USD
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.importers.litellm_row import RowReader
from gatepass.plugin.settings.units import MAX_USD
from gatepass.rbac.budgets import MAX_AMOUNT, Limit, Unit
from gatepass.rbac.models import compile_models
from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling, Window

NOT_LIMITS = {
    "max_parallel_requests": "calls at the same time are not counted here",
    "budget_limits": "limits in several windows are not taken over",
}
"""What limits there, and is not taken over."""

_EVERY_MODEL = "*"
_MINUTE = Rolling(60, 0)
_RATES = (("tpm_limit", Unit.TOKENS), ("rpm_limit", Unit.REQUESTS))
_DURATION = re.compile(r"([0-9]{1,6})(mo|[smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PERIODS = {1: Period.MONTH, 3: Period.QUARTER, 12: Period.YEAR}
_MAX_WINDOW_SECONDS = 3_650 * 86_400


def read_limit(reader: RowReader) -> BudgetTemplate | None:
    """Return what a row's own columns limit, or None for nothing."""
    window = _read_window(reader, "budget_duration")
    hard, soft = _read_money(reader, "max_budget"), _read_money(reader, "soft_budget")
    if hard == 0:
        reader.note.changed("max_budget: 0 lets nothing through, there the first calls pass")
    if hard is not None and soft is not None and soft > hard:
        reader.note.changed("soft_budget: is above max_budget, and left out")
        soft = None
    limits = [] if hard is None and soft is None else [Limit(Unit.MONEY, hard, soft)]
    limits += [*_read_rates(reader), *_read_models(reader)]
    return BudgetTemplate(tuple(limits), window).normal() if limits else None


def _read_rates(reader: RowReader) -> list[Limit]:
    found = []
    for column, unit in _RATES:
        number = reader.number(column)
        if number is None:
            continue
        if number != number.to_integral_value() or number > MAX_AMOUNT:
            reader.note.refused(f"{column}: must be a whole number")
            continue
        reader.note.changed(
            f"{column}: {unit} per minute; until it ends a call counts with the most it can use"
        )
        found.append(Limit(unit, int(number), model=_EVERY_MODEL, window=_MINUTE))
    return found


def _read_models(reader: RowReader) -> list[Limit]:
    found = []
    for model, entry in reader.mapping("model_max_budget").items():
        inner = RowReader(
            entry if isinstance(entry, dict) else {"budget_limit": entry}, reader.note
        )
        limit, window = _read_money(inner, "budget_limit"), _read_window(inner, "time_period")
        if limit is None:
            limit, window = _read_money(inner, "max_budget"), _read_window(inner, "budget_duration")
        inner.nothing_left(meant={}, silent=())
        try:
            compile_models((model,))
        except ValueError as wrong:
            reader.note.refused(f"model_max_budget: {wrong}")
            continue
        if limit is None:
            reader.note.manual("model_max_budget: has a model without a limit, which is left out")
        else:
            found.append(Limit(Unit.MONEY, limit, model=model, window=window))
    return found


def _read_money(reader: RowReader, column: str) -> int | None:
    """Return nano-dollars; less than that is cut."""
    amount = reader.number(column)
    if amount is None:
        return None
    exact: Decimal = amount * NANO_PER_USD
    nano = int(exact.to_integral_value(ROUND_FLOOR))
    if nano > MAX_USD * NANO_PER_USD:
        reader.note.changed(f"{column}: is a billion dollars, the most that there is here")
        return MAX_USD * NANO_PER_USD
    if nano != exact:
        reader.note.changed(f"{column}: is cut to a billionth of a dollar")
    return nano


def _read_window(reader: RowReader, column: str) -> Window:
    text = reader.text(column)
    if text is None:
        return FOREVER
    match = _DURATION.fullmatch(text)
    number = 0 if match is None else int(match[1])
    if match is not None and match[2] == "mo":
        if number in _PERIODS:
            reader.note.changed(f"{column}: goes by the calendar, in UTC")
            return Calendar(_PERIODS[number])
        reader.note.changed(f"{column}: a month is 30 days, whatever the calendar says")
    seconds = number * (30 * 86_400 if match is None else _SECONDS.get(match[2], 30 * 86_400))
    if not 0 < seconds <= _MAX_WINDOW_SECONDS:
        reader.note.refused(f"{column}: must be a number with s, m, h, d, w or mo")
        return FOREVER
    return Rolling(seconds, 0)
