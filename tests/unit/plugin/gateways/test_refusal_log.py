"""Refusals show in the log by their code, and an outage shows once in a while."""

import logging

import pytest

from gatepass.plugin.gateways.refusal_log import QUIET_SECONDS, RefusalLog
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.clock import ManualClock


def test_what_is_our_fault_is_a_warning_once_in_a_while_with_its_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    log = RefusalLog(clock)
    with caplog.at_level(logging.WARNING, "gatepass.decisions"):
        for _ in range(5):
            log.note(refuse_for(Reason.PROFILE_UNKNOWN))
        log.note(refuse_for(Reason.JWKS_ERROR))
        clock.advance(QUIET_SECONDS)
        log.note(refuse_for(Reason.PROFILE_UNKNOWN))
        log.note(refuse_for(Reason.PROFILE_UNKNOWN))
    seen = [(vars(record)["code"], vars(record)["times"]) for record in caplog.records]
    assert seen == [("profile_unknown", 1), ("jwks_error", 1), ("profile_unknown", 5)]


def test_what_is_the_callers_doing_is_a_line_at_level_info(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = RefusalLog(ManualClock())
    with caplog.at_level(logging.WARNING, "gatepass.decisions"):
        log.note(refuse_for(Reason.EXPIRED))
    assert caplog.records == []
    with caplog.at_level(logging.INFO, "gatepass.decisions"):
        log.note(refuse_for(Reason.EXPIRED))
    (record,) = caplog.records
    assert (vars(record)["code"], vars(record)["status"]) == ("expired", 401)
