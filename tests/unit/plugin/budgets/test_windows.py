import pytest

from gatepass.plugin.budgets.windows import resets_in, window_start

DAY = 86_400


@pytest.mark.parametrize(
    ("anchor", "window", "now", "start"),
    [
        (100, 10, 100.0, 100),
        (100, 10, 109.999, 100),
        (100, 10, 110.0, 110),
        (100, 10, 135.5, 130),
        (100, 10, 99.5, 90),
        (100, 10, 0.0, 0),
        (7, 10, 0.0, -3),
        (1_700_000_001, DAY, 1_700_000_001.0 + 3 * DAY - 0.001, 1_700_000_001 + 2 * DAY),
    ],
)
def test_a_window_is_half_open(anchor: int, window: int, now: float, start: int) -> None:
    assert window_start(anchor, window, now) == start


@pytest.mark.parametrize(
    ("end", "now", "seconds"),
    [(110, 100.0, 10), (110, 100.5, 10), (110, 109.2, 1), (110, 109.999, 1), (110, 110.0, 1)],
)
def test_the_wait_is_whole_seconds_and_never_none(end: int, now: float, seconds: int) -> None:
    assert resets_in(end, now) == seconds
