"""Reports without the token show in the log once a minute, with their number."""

import logging

import pytest

from gatepass.plugin.gateways.refused_reports import QUIET_SECONDS, RefusedReports
from support.clock import ManualClock


def test_one_warning_a_minute_at_most(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock(monotonic=0.0)
    refused = RefusedReports(clock)
    with caplog.at_level(logging.WARNING, "gatepass.usage"):
        for _ in range(1000):
            refused.note()
        clock.advance(QUIET_SECONDS - 1)
        refused.note()
        assert len(caplog.records) == 1
        clock.advance(1)
        refused.note()
        refused.note()
    assert [vars(record)["times"] for record in caplog.records] == [1, 1001]
