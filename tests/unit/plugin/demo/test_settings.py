"""The settings of the tour, and the arithmetic of its budget."""

from pathlib import Path

import pytest

from gatepass.plugin.demo.settings import (
    MODEL,
    PRICE,
    TEAM_LIMIT_NANO_USD,
    calls_within_budget,
    write_settings,
)
from gatepass.plugin.settings import load_settings
from support.limits import template


def test_the_settings_say_what_the_arithmetic_assumes(tmp_path: Path) -> None:
    path = tmp_path / "gatepass.yaml"
    write_settings(path, issuer="http://127.0.0.1:8701", port=8700)
    settings = load_settings(path)
    assert settings.issuers[0].issuer == "http://127.0.0.1:8701"
    assert settings.doors.http is not None
    assert settings.doors.http.listen.port == 8700
    price = next(entry for entry in settings.budgets.prices if entry.model == MODEL)
    assert (price.input, price.output, price.max_output_tokens) == (
        PRICE.input_nano_per_million_tokens,
        PRICE.output_nano_per_million_tokens,
        PRICE.max_output_tokens,
    )
    budget = settings.teams.defaults.budget
    assert budget is not None
    assert budget == template(TEAM_LIMIT_NANO_USD, 86_400)


@pytest.mark.parametrize(
    ("body_bytes", "max_output_tokens", "calls"),
    [
        (0, 16_384, 1),  # $0.0098304 each
        (100, 4_000, 4),  # $0.002415
        (1_000, 1, 66),  # $0.0001506
        (70_000, 0, 0),  # asks for no bound, so the price's own counts
    ],
)
def test_calls_within_budget(body_bytes: int, max_output_tokens: int, calls: int) -> None:
    assert calls_within_budget(body_bytes, max_output_tokens) == calls
