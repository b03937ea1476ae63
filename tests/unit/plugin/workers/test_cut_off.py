"""When a server that nobody can reach any more ends, and when it waits."""

import logging

import pytest

from gatepass.plugin.workers.cut_off import CUT_OFF_SECONDS, CutOff

PATH = "doors.kong.socket"


class Path:
    """A path that leads somewhere or not, at a time."""

    def __init__(self) -> None:
        self.lost: list[str] = []
        self.time = 100.0
        self.ends = CutOff(lambda: self.lost, lambda: self.time)


def test_it_ends_after_some_seconds_without_anybody_and_says_which_path(
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = Path()
    assert not path.ends()
    path.lost = [PATH]
    assert not path.ends()
    path.time += CUT_OFF_SECONDS - 0.01
    assert not path.ends()
    assert caplog.records == []
    path.time += 0.01
    assert path.ends()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert getattr(record, "settings", None) == [PATH]


def test_whoever_takes_the_path_in_time_is_waited_for_anew() -> None:
    path = Path()
    path.lost = [PATH]
    assert not path.ends()
    path.time += CUT_OFF_SECONDS - 0.01
    path.lost = []
    assert not path.ends()
    path.lost = [PATH]
    path.time += CUT_OFF_SECONDS
    assert not path.ends()
    path.time += CUT_OFF_SECONDS
    assert path.ends()
