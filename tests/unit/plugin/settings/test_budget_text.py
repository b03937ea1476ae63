import pytest

from gatepass.plugin.budgets.amounts import NANO_PER_USD
from gatepass.plugin.settings.budget_text import parse_budget
from gatepass.plugin.settings.problems import BadValue
from gatepass.rbac.budgets import Limit, Unit
from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling, Window

DAY = 86_400


def money(dollars: int, soft: int | None = None) -> Limit:
    return Limit(Unit.MONEY, dollars * NANO_PER_USD, soft and soft * NANO_PER_USD)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("$50", FOREVER),
        ("50", FOREVER),
        ("50 USD per 60s", Rolling(60, 0)),
        ("$50 per 30d", Rolling(30 * DAY, 0)),
        ("$50 per day", Calendar(Period.DAY)),
        ("$50 per week in Asia/Tokyo", Calendar(Period.WEEK, "Asia/Tokyo")),
        ("$50 per month in Europe/Berlin", Calendar(Period.MONTH, "Europe/Berlin")),
        ("$50 per quarter", Calendar(Period.QUARTER)),
        ("$50 per year", Calendar(Period.YEAR)),
    ],
)
def test_periods(text: str, window: Window) -> None:
    budget = parse_budget(text)
    assert budget.limits == (money(50),)
    assert budget.window == window


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("$0 per day", (money(0),)),
        ("1 request per day", (Limit(Unit.REQUESTS, 1),)),
        ("0 tokens", (Limit(Unit.TOKENS, 0),)),
        ("soft $40 per day", (Limit(Unit.MONEY, None, 40 * NANO_PER_USD),)),
        ("$50 and soft $40 per day", (money(50, 40),)),
        ("soft $50 and $50 per day", (money(50, 50),)),
        (
            "1000 requests and soft 5 tokens and $50 and 7 tokens per 30d",
            (money(50), Limit(Unit.TOKENS, 7, 5), Limit(Unit.REQUESTS, 1000)),
        ),
    ],
)
def test_amounts_of_every_unit(text: str, limits: tuple[Limit, ...]) -> None:
    assert parse_budget(text).limits == limits


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("$50 per ", "not a period"),
        ("$50 per fortnight", "not a period"),
        ("$50 per 30", "not a period"),
        ("$50 per 0s", "the period must be longer than nothing"),
        ("$50 per day per day", "not a period"),
        ("$50 per Day", "not a period"),
        ("$50 per 30d in UTC", "a duration has no time zone"),
        ("$50 per day in ", "not a time zone"),
        ("$50 per day in Berlin", "not a time zone"),
        ("$50/day", "not an amount of money"),
        ("$50  per day", "not an amount of money"),
        ("per day", "not an amount of money"),
        ("$50 and per day", "not an amount of money"),
        ("-1 tokens per day", "not an amount of money"),
        ("1e3 tokens per day", "not an amount of money"),
        ("soft soft $5", "not an amount of money"),
        ("$50 and $60", "names two amounts of the same kind"),
        ("1 request and 2 requests", "names two amounts of the same kind"),
        ("$50 and soft $51 per day", "a soft amount must be below"),
    ],
)
def test_sec_59_other_texts_are_no_budgets(text: str, sentence: str) -> None:
    with pytest.raises(BadValue) as raised:
        parse_budget(text)
    assert raised.value.findings[0].sentence.startswith(sentence)
