"""Log lines: one JSON object a line on stderr, unless a person reads them."""

import json
import logging
from collections.abc import Iterator

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.logs import LEVELS, configure_logs


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    ours = logging.getLogger("gatepass")
    handlers, level, propagate = ours.handlers, ours.level, ours.propagate
    yield ours
    ours.handlers, ours.propagate = handlers, propagate
    ours.setLevel(level)


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("warning")
    log = logging.getLogger("gatepass.somewhere")
    log.warning("two\nlines and %d", 1, extra={"count": 2, "problems": ("a", "b")})
    log.info("not shown")
    captured = capsys.readouterr()
    assert captured.out == ""
    line = json.loads(captured.err)
    assert captured.err.count("\n") == 1
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "two\nlines and 1",
        "level": "warning",
        "count": 2,
        "problems": ["a", "b"],
    }


def test_configuring_twice_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("debug")
    configure_logs("debug")
    logging.getLogger("gatepass").debug("once")
    assert capsys.readouterr().err.count("once") == 1


@pytest.mark.parametrize("level", LEVELS)
def test_levels(level: str, logger: logging.Logger) -> None:
    configure_logs(level)
    assert logger.level == LEVELS[level]


@pytest.mark.parametrize("level", ["", "WARNING", "verbose", "0"])
def test_an_unknown_level_is_a_configuration_error(level: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        configure_logs(level)
    assert error.value.problems == ("--log-level: one of error, warning, info, debug",)


def test_a_terminal_gets_lines_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    configure_logs("error")
    logging.getLogger("gatepass").error("settings not reloaded")
    text = capsys.readouterr().err
    assert "settings not reloaded" in text
    assert not text.startswith("{")
