"""A runner ends when whoever started it is gone, and says so."""

import logging

import pytest

from gatepass.plugin.workers.orphaned import Orphaned


def test_it_ends_when_its_parent_is_another_one(caplog: pytest.LogCaptureFixture) -> None:
    parents = [7, 7, 7, 1]
    orphaned = Orphaned(lambda: parents.pop(0))
    with caplog.at_level(logging.ERROR, "gatepass.serve"):
        assert not orphaned()
        assert not orphaned()
        assert caplog.messages == []
        assert orphaned()
    assert len(caplog.messages) == 1


def test_it_stays_as_long_as_its_parent() -> None:
    assert not Orphaned()()
