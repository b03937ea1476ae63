"""Which thresholds are reached, and what is said of one."""

import json

import pytest

from gatepass.plugin.alerts.crossings import reached
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding, Scope
from gatepass.rbac.budgets import MAX_AMOUNT, Unit
from gatepass.rbac.windows import FOREVER, Rolling

NOW = 1_763_900_000.5


def standing(
    spent: int, hard: int | None = 100, soft: int | None = None, reserved: int = 0
) -> LimitStanding:
    limit = AppliedLimit(Scope.TEAM, "red", "b", Unit.TOKENS, Rolling(86_400, 0), hard, soft)
    return LimitStanding(limit, spent, reserved, hard, 1_763_942_400)


@pytest.mark.parametrize(
    ("at", "thresholds"),
    [
        (standing(0), []),
        (standing(49), []),
        (standing(50), ["50%"]),
        (standing(99), ["50%"]),
        (standing(100), ["50%", "100%"]),
        (standing(1000), ["50%", "100%"]),
        (standing(10, soft=10), ["soft"]),
        (standing(9, soft=10), []),
        (standing(0, soft=0), ["soft"]),
        (standing(60, soft=10), ["soft", "50%"]),
        (standing(10**9, hard=None), []),
        (standing(10, hard=None, soft=5), ["soft"]),
        (standing(0, hard=0), []),
        (standing(5, hard=0), []),
        (standing(49, reserved=51), []),
        (standing(MAX_AMOUNT, hard=MAX_AMOUNT), ["50%", "100%"]),
    ],
)
def test_which_thresholds_are_reached(at: LimitStanding, thresholds: list[str]) -> None:
    assert [alert.threshold for alert in reached(at, (50, 100), NOW)] == thresholds


def test_what_is_said_of_one() -> None:
    (alert,) = reached(standing(80), (75,), NOW)
    assert (alert.counter, alert.ends_at) == ('["team","red","b","tokens",""]', 1_763_942_400)
    assert json.loads(alert.body) == {
        "type": "budget.threshold_reached",
        "timestamp": "2025-11-23T12:13:20+00:00",
        "data": {
            "scope": "team",
            "id": "red",
            "unit": "tokens",
            "model": None,
            "threshold": "75%",
            "limit": 100,
            "soft_limit": None,
            "spent": 80,
            "resets_at": 1_763_942_400,
        },
    }


def test_an_alert_is_called_the_same_when_it_is_found_again() -> None:
    (first,) = reached(standing(80), (75,), NOW)
    (again,) = reached(standing(90), (75,), NOW + 9)
    (other,) = reached(standing(90), (76,), NOW)
    limit = AppliedLimit(Scope.TEAM, "red", "b", Unit.TOKENS, FOREVER, 100)
    (forever,) = reached(LimitStanding(limit, 80, 0, 100, None), (75,), NOW)
    assert first.alert_id == again.alert_id
    assert len({first.alert_id, other.alert_id, forever.alert_id}) == 3
    assert forever.ends_at == 0
