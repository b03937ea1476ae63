"""Opaque tokens at the whole Gate, by the example that docs/issuers.md gives."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatepass.plugin import Gate, load_settings
from gatepass.plugin.decision import Allow, Decision, Unavailable
from support.clock import ManualClock
from support.gates import chat, decide, open_gate, settings_file
from support.introspection import answer_of, asked_about, described
from support.jwks_server import JwksServer, hang, status
from support.keys_over_time import KEY

PAGE = Path(__file__).parents[3] / "docs" / "issuers.md"
TOKEN = b"acme_at_canary-2YotnFZFEjr1zCsicMWpAA"
PATH = "/oauth2/introspect"
LOGIN = "https://login.acme.example"


def example(server: JwksServer) -> dict[str, Any]:
    """Return the issuer of the page, asked at a server of ours."""
    section = PAGE.read_text(encoding="utf-8").partition("## Opaque tokens\n")[2]
    block = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)[0]
    (issuer,) = yaml.load(block, yaml.BaseLoader)["issuers"]  # noqa: S506 - text, lists and dicts
    asking = issuer["introspection"]
    assert asking["endpoint"] == f"{LOGIN}{PATH}"
    assert asking["client_secret"] == "${INTROSPECTION_SECRET}"
    asking["endpoint"], asking["client_secret"] = server.url(PATH), "canary-secret"
    return {**issuer, "allow_http_loopback": True}


@pytest.fixture
async def server() -> AsyncIterator[JwksServer]:
    async with JwksServer() as server:
        yield server


def serve(server: JwksServer, clock: ManualClock, **changes: object) -> None:
    def judge(token: str) -> dict[str, object]:
        if token != TOKEN.decode():
            return {"active": False}
        return described(clock.wall(), **({"iss": LOGIN} | changes))

    server.serve(PATH, answer_of(server, judge))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def outcome(decision: Decision) -> tuple[int, str]:
    assert TOKEN.decode() not in repr(decision) + str(decision.body)
    return decision.status, decision.reason.code


async def test_the_example_of_the_page_lets_a_person_in(
    tmp_path: Path, server: JwksServer, clock: ManualClock
) -> None:
    serve(server, clock)
    async with open_gate(tmp_path, clock, issuers=[example(server)]) as gate:
        assert await gate.is_ready()
        request = chat(TOKEN)
        assert gate.decide_warm(request) is None
        decision = await gate.decide(request)
        assert isinstance(decision, Allow)
        assert decision.identity is not None
        assert decision.identity.issuer == LOGIN
        assert decision.identity.subject == "user-1"
        assert isinstance(gate.decide_warm(request), Allow)
        assert asked_about(server) == [TOKEN.decode()]
        assert outcome(await decide(gate, chat(TOKEN + b"x"))) == (401, "inactive")
        assert outcome(await decide(gate, chat(KEY.token()))) == (401, "bad_issuer")
        assert outcome(await decide(gate, chat(b"sk-somebody-elses"))) == (401, "malformed")
        assert len(server.hits) == 2


async def test_sec_51_a_revoked_token_is_out_when_it_is_asked_about_again(
    tmp_path: Path, server: JwksServer, clock: ManualClock
) -> None:
    serve(server, clock)
    async with open_gate(tmp_path, clock, issuers=[example(server)]) as gate:
        assert (await decide(gate, chat(TOKEN))).allowed
        serve(server, clock, active=False)
        clock.advance(30)
        assert outcome(await decide(gate, chat(TOKEN))) == (401, "inactive")


@pytest.mark.parametrize("answer", [lambda: status(500), hang], ids=["status", "hang"])
async def test_sec_41_an_issuer_that_is_away_is_503_and_lets_nobody_pass(
    tmp_path: Path, server: JwksServer, clock: ManualClock, answer: Callable[[], Any]
) -> None:
    server.serve(PATH, answer())
    issuer = {**example(server), "fetch_timeout": "1s"}
    async with open_gate(tmp_path, clock, issuers=[issuer]) as gate:
        for _ in range(3):
            decision = await decide(gate, chat(TOKEN))
            assert isinstance(decision, Unavailable)
            assert outcome(decision) == (503, "introspection_error")
        assert len(server.hits) == 1


async def test_sec_50_other_settings_ask_anew(
    tmp_path: Path, server: JwksServer, clock: ManualClock
) -> None:
    serve(server, clock)
    issuer = example(server)
    async with open_gate(tmp_path, clock, issuers=[issuer]) as gate:
        assert (await decide(gate, chat(TOKEN))).allowed
        await _adopt(gate, tmp_path, {**issuer, "audience": "another"})
        assert outcome(await decide(gate, chat(TOKEN))) == (401, "bad_audience")
        await _adopt(gate, tmp_path, issuer)
        assert (await decide(gate, chat(TOKEN))).allowed
        assert len(server.hits) == 3


async def _adopt(gate: Gate, folder: Path, issuer: dict[str, Any]) -> None:
    await gate.adopt(load_settings(settings_file(folder, issuers=[issuer])))


async def test_sec_60_what_is_said_of_a_token_is_in_no_log(
    tmp_path: Path, server: JwksServer, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="gatepass")
    serve(server, clock, iss="https://canary.example", sub="canary-subject")
    async with open_gate(tmp_path, clock, issuers=[example(server)]) as gate:
        assert outcome(await decide(gate, chat(TOKEN))) == (401, "bad_issuer")
        server.serve(PATH, status(500))
        await decide(gate, chat(TOKEN + b"y"))
    assert "canary" not in caplog.text
