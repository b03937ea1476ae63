"""What the page about telling people shows is what they are told."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from gatepass.plugin import load_settings
from gatepass.plugin.alerts.crossings import reached
from gatepass.plugin.alerts.webhook import signed_headers
from gatepass.plugin.budgets.limits import AppliedLimit, LimitStanding, Scope
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.own_budget import to_document
from gatepass.plugin.refusals import refuse
from gatepass.rbac.budgets import Unit
from gatepass.rbac.windows import FOREVER
from support.settings import LEAST

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "telling.md").read_text(encoding="utf-8")
SECRET = "0123456789abcdef0123456789abcdef"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def standing(spent: int, hard: int, ends_at: int | None) -> LimitStanding:
    limit = AppliedLimit(Scope.TEAM, "red", "b", Unit.MONEY, FOREVER, hard)
    return LimitStanding(limit, spent, 0, hard, ends_at)


def test_a_refusal_says_what_the_page_says() -> None:
    told = refuse(BudgetExceeded(standing(2_499_999_999, 2_500_000_000, 1_077), 1_000.4))
    assert json.loads(told.body) == json.loads(blocks("json")[0])
    shown = re.findall(r"^    (Retry-After|RateLimit[^:]*): (.*)$", PAGE, re.MULTILINE)
    assert [(name.lower(), value) for name, value in shown] == [
        (name.decode(), value.decode())
        for name, value in told.response_headers
        if name != b"content-type"
    ]


def test_whoever_asks_gets_these_members() -> None:
    (shown,) = json.loads(blocks("json")[1])["limits"]
    told: Any = to_document([standing(1, 2, None)], 0.0)["limits"]
    assert [list(limit) for limit in told] == [list(shown)]


def test_an_alert_has_these_members() -> None:
    shown = json.loads(blocks("json")[2])
    (alert,) = reached(standing(8_010_000_000, 10_000_000_000, 1_764_547_200), (80,), 1_763_900_000)
    told = json.loads(alert.body)
    assert told["data"] == shown["data"]
    assert list(told) == list(shown)


def test_the_settings_load(tmp_path: Path) -> None:
    (text,) = blocks("yaml")
    (tmp_path / "gatepass.yaml").write_text(text + yaml.safe_dump(dict(LEAST)))
    loaded = load_settings(tmp_path / "gatepass.yaml", environ={"ALERT_SECRET": SECRET})
    assert loaded.budgets.alerts is not None


def test_the_signature_is_checked_as_the_page_says() -> None:
    namespace: dict[str, Any] = {}
    (program,) = blocks("python")
    exec(program, namespace)  # noqa: S102 - what the page shows
    is_genuine: Callable[..., bool] = namespace["is_genuine"]
    headers = dict(signed_headers(SECRET.encode(), "id", 5, b"{}"))
    assert is_genuine(SECRET.encode(), headers, b"{}")
    assert not is_genuine(SECRET.encode(), headers, b"{ }")
    assert not is_genuine(b"x", headers, b"{}")
    assert not is_genuine(SECRET.encode(), {**headers, "webhook-timestamp": "6"}, b"{}")
