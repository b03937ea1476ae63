"""What `gatepass check` finds out about asking issuers about opaque tokens."""

from collections.abc import Mapping

import pytest

from gatepass.plugin.commands.check_introspection import introspection_findings
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.settings import compile_settings
from support.clock import ManualClock
from support.introspection import NO, PATH, asked_about, said
from support.jwks_server import Answer, JwksServer, ok, redirect, status
from support.keys_over_time import KEY
from support.settings import ISSUER, issuer_with, settings_with
from support.tokens import ISSUER as NAME

REACH = "check the endpoint and that this host reaches it; its opaque tokens get 503 until then"


def asking(server: JwksServer, **more: str) -> Mapping[str, object]:
    endpoint = {"endpoint": server.url(PATH), "client_id": "a", "client_secret": "canary"}
    return {"keys": "none", "allow_http_loopback": True, "introspection": endpoint | more}


async def findings(answer: Answer) -> list[Finding]:
    async with JwksServer() as server:
        server.serve(PATH, answer)
        return await introspection_findings(compile_settings(issuer_with(**asking(server))))


async def test_an_issuer_that_knows_us_says_no() -> None:
    async with JwksServer() as server:
        server.serve(PATH, NO)
        second = {**ISSUER, "issuer": "https://b.example", **asking(server, token_prefix="b_")}
        third = {**ISSUER, "issuer": "https://c.example"}
        settings = settings_with(issuers=[{**ISSUER, **asking(server)}, second, third])
        found = await introspection_findings(compile_settings(settings))
        assert found == [
            Finding(f"issuer {NAME}", ok=True, found="answers about opaque tokens"),
            Finding("issuer https://b.example", ok=True, found="answers about opaque tokens"),
        ]
        assert [token.startswith("b_") for token in asked_about(server)] == [False, True]


async def test_where_nobody_is_asked_there_is_nothing_to_find() -> None:
    assert await introspection_findings(compile_settings(issuer_with())) == []


@pytest.mark.parametrize(
    ("answer", "detail", "advice"),
    [
        (status(401), "status", "check client_id, client_secret and auth"),
        (redirect("https://a.example"), "redirect", REACH),
        (ok(KEY.token()), "answer: a signed one (RFC 9701)", "have the issuer answer this client"),
    ],
)
async def test_an_issuer_that_does_not_answer(
    answer: Answer, detail: str, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    (found,) = await findings(answer)
    assert not found.ok
    assert found.found == f"does not answer about opaque tokens: {detail}"
    assert found.advice.startswith(advice)
    assert not caplog.records, "the finding says it"
    assert "canary" not in str(found)


async def test_what_keeps_us_from_an_issuer_has_its_setting_named() -> None:
    endpoint = {"endpoint": "https://127.0.0.1:1/", "client_id": "a", "client_secret": "b"}
    settings = issuer_with(keys="none", introspection=endpoint, ca_file="/nowhere/ca.pem")
    (found,) = await introspection_findings(compile_settings(settings))
    assert found.found.endswith("CA file: not readable")
    assert found.advice.startswith("put ca_file right")


@pytest.mark.parametrize("changes", [{}, {"aud": "another"}])
async def test_an_endpoint_that_calls_everything_good(changes: dict[str, object]) -> None:
    (found,) = await findings(said(ManualClock(), **changes))
    assert not found.ok
    assert found.found == "calls a made-up opaque token active"
