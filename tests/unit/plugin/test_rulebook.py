"""Which headers go and which are set: the client's never survive (SEC-44 to SEC-48)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepass.plugin import Gate, apply_headers
from support.gates import chat, decide, open_gate, rules, token


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with open_gate(tmp_path) as opened:
        yield opened


SMUGGLED = [
    (b"X-Gatepass-User", b"root"),
    (b"x_gatepass_user", b"root"),
    (b"X-GATEPASS_TEAM-ID", b"admins"),
    (b"x-gatepass-role", b"proxy_admin"),
    (b"x-gatepass-organization", b"acme"),
    (b"x-gatepass-end-user", b"c-1"),
    (b"X_Corp_Admin", b"1"),
]


@pytest.mark.parametrize(
    "target", [b"/v1/chat/completions", b"/v1/models"], ids=["with token", "public"]
)
async def test_sec_44_46_48_what_the_client_smuggled_and_its_token_stay_here(
    tmp_path: Path, target: bytes
) -> None:
    sections = {
        "profiles": rules(public_routes=["GET /v1/models"]),
        "headers": {"reserved": ["x-corp-admin"]},
        "teams": {"header": "x_team", "upsert": True},
    }
    async with open_gate(tmp_path, **sections) as gate:
        method = "GET" if target == b"/v1/models" else "POST"
        chosen = [(b"X-Team", b"t1")]
        bearer = token(teams=["t1"], team=None)
        await gate.decide(chat(token(team="t1")))
        request = chat(bearer, [*SMUGGLED, *chosen], method=method, target=target)
        decision = await decide(gate, request)
        assert decision.allowed
        upstream = apply_headers(decision, request.headers)
        if method == "GET":
            assert upstream == [(b"content-type", b"application/json")]
            assert decision.identity is None
        else:
            assert upstream == [
                (b"content-type", b"application/json"),
                (b"x-gatepass-user", b"ann"),
                (b"x-gatepass-team-id", b"t1"),
                (b"x-gatepass-role", b"internal_user"),
            ]


async def test_sec_45_a_connection_header_that_names_ours_goes(gate: Gate) -> None:
    hostile = (b"Connection", b"close, X-Gatepass-Role")
    decision = await decide(gate, chat(headers=[hostile]))
    assert b"connection" in decision.remove_headers
    assert hostile not in apply_headers(decision, [hostile])
    usual = (b"Connection", b"keep-alive")
    assert usual in apply_headers(await decide(gate, chat(headers=[usual])), [usual])


async def test_sec_45_a_connection_header_that_names_ours_goes_on_a_public_route_too(
    tmp_path: Path,
) -> None:
    hostile = (b"Connection", b"close, X-Gatepass-Role")
    async with open_gate(tmp_path, profiles=rules(public_routes=["GET /v1/models"])) as gate:
        for header, stays in ((hostile, False), ((b"Connection", b"keep-alive"), True)):
            decision = await decide(gate, chat(b"", [header], method="GET", target=b"/v1/models"))
            assert decision.allowed
            assert (header in apply_headers(decision, [header])) is stays


async def test_sec_48_the_token_goes_upstream_only_where_a_profile_allows_it(
    tmp_path: Path,
) -> None:
    profiles = {**rules(), "trusted": rules(allow_token_upstream=True)["default"]}
    async with open_gate(tmp_path, profiles=profiles) as gate:
        for profile, seen in (("default", False), ("trusted", True)):
            request = chat(profile=profile)
            upstream = dict(apply_headers(await decide(gate, request), request.headers))
            assert (b"authorization" in upstream) is seen


async def test_sec_47_claims_are_encoded_on_their_way_upstream(gate: Gate) -> None:
    decision = await decide(gate, chat(token(user="Zo\u00eb 100%", customer="a;b, c")))
    assert dict(decision.set_headers)[b"x-gatepass-user"] == b"Zo%C3%AB 100%25"
    assert dict(decision.set_headers)[b"x-gatepass-end-user"] == b"a;b, c"
