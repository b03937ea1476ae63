"""Every wrong request with its code, cold and warm; and what is not said is denied."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gatepass.plugin import Gate, Request, apply_headers
from gatepass.plugin.request import BodyState
from support.gates import KEY, ann, chat, chat_body, code_of, open_gate, rules, token
from support.tokens import signing_key


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with open_gate(tmp_path) as opened:
        yield opened


OTHER = signing_key("EdDSA", "another")
FORGED = signing_key("EdDSA", "forged")
WRONG_REQUESTS: list[tuple[str, Request]] = [
    ("no_token", chat(b"")),
    ("no_token", chat(b"", [(b"authorization", b"Basic dXNlcjpwdw==")])),
    ("malformed", chat(b"garbage")),
    ("malformed", chat(b"\xff\xfe")),
    ("malformed", chat(ann() + b".x")),
    ("too_large", chat(b"a" * 1_000_000)),
    ("too_large", chat(ann() + b"a" * 20_000)),
    ("two_tokens", chat(ann(), [(b"Authorization", b"Bearer " + ann())])),
    ("two_tokens", chat(ann() + b"," + ann())),
    ("two_tokens", chat(ann() + b" b")),
    ("bad_signature", chat(ann()[:-8] + b"AAAAAAAA")),
    ("unknown_key", chat(OTHER.token({"user": "ann"}))),
    ("unsupported_alg", chat(KEY.token({"user": "ann"}, {"alg": "RS256"}))),
    ("bad_header", chat(KEY.token({"user": "ann"}, {"crit": ["exp"]}))),
    ("wrong_token_type", chat(KEY.token({"user": "ann"}, {"typ": "logout+jwt"}))),
    ("bad_issuer", chat(token(iss="https://evil.example"))),
    ("bad_audience", chat(token(aud="another"))),
    ("expired", chat(token(exp=1_600_000_000))),
    ("not_yet_valid", chat(token(nbf=9_000_000_000))),
    ("bad_claim", chat(token(sub=None))),
    ("bad_claim", chat(token(sub="a\r\nb"))),
    ("ambiguous_path", chat(target=b"/v1//chat/completions")),
    ("ambiguous_path", chat(target=b"/v1/%2e%2e/key/generate")),
    ("ambiguous_path", chat(target=b"/v1/chat%2fcompletions")),
    ("ambiguous_path", chat(target=b"/v1/../key/generate")),
    ("ambiguous_path", chat(target=b"http://evil.example/v1/models")),
    ("ambiguous_path", chat(target=b"")),
    ("ambiguous_path", chat(target="/v1/\u00e9".encode())),
    ("bad_method", chat(method="post")),
    ("bad_method", chat(method="TRACE")),
    ("bad_method", chat(method="CONNECT")),
    ("bad_method", chat(method="")),
    ("bad_method", chat(method="GET\r\nX: y")),
    ("bad_method", chat(headers=[(b"X-HTTP-Method-Override", b"GET")])),
    ("bad_header_value", chat(headers=[(b"x-gatepass-team", b"\xff")])),
    ("team_not_yours", chat(headers=[(b"x-gatepass-team", b"t1")])),
    ("headers_cut", chat(headers_complete=False)),
    (
        "identity_header_sent",
        chat(headers=[(b"X_Gatepass_User", b"root")], can_remove_headers=False),
    ),
    ("profile_unknown", chat(profile="Default")),
    ("profile_unknown", chat(profile="")),
    ("body_not_shown", chat(body=BodyState.NOT_SHOWN)),
    ("body_not_shown", chat(body=BodyState.CUT)),
    ("body_not_shown", chat(body=b"")),
    ("body_too_large", chat(body=BodyState.TOO_LARGE)),
    ("body_not_json", chat(body=b"model=gpt-4o")),
    ("body_not_json", chat(headers=[(b"content-encoding", b"gzip")])),
    ("body_not_json", chat(headers=[(b"content-type", b"application/x-www-form-urlencoded")])),
    ("model_missing", chat(body=b"{}")),
    ("model_denied", chat(body=chat_body(model=["gpt-4o"]))),
    ("parameter_denied", chat(body=chat_body(api_base="http://evil.example"))),
    ("route_denied", chat(target=b"/key/generate")),
    ("route_denied", chat(target=b"/v1/chat/completions/")),
    ("route_denied", chat(target=b"/V1/chat/completions")),
    ("no_identity", chat(token(user=None, sub="nobody-yet"))),
    ("parameter_denied", chat(headers=[(b"X-LiteLLM-Model", b"o1")])),
    ("upgrade_denied", chat(headers=[(b"Sec-WebSocket-Key", b"x")])),
    ("upgrade_denied", chat(headers=[(b"Upgrade", b"h2c, WebSocket")])),
    ("organization_unknown", chat(token(org="nowhere"))),
    ("bad_identity_claim", chat(token(user=["ann"]))),
    ("bad_identity_claim", chat(token(user="a\x00b"))),
    ("bad_identity_claim", chat(token(team={"id": "t1"}))),
    ("bad_identity_claim", chat(token(customer="x" * 256))),
]


@pytest.mark.parametrize("first", ["cold", "warm"])
async def test_sec_33_38_43_58_every_wrong_request_has_its_code(gate: Gate, first: str) -> None:
    if first == "warm":
        assert (await gate.decide(chat())).allowed
    for code, request in WRONG_REQUESTS:
        decision = await gate.decide(request)
        assert (decision.reason.code, decision.allowed) == (code, False)
        warm = gate.decide_warm(request)
        assert warm is None or warm == decision
        assert apply_headers(decision, request.headers) == list(request.headers)
    assert gate.faults == 0


DENY_MATRIX: list[tuple[str, object, str]] = [
    ("no profile section for the role", {"default": {}}, "route_denied"),
    ("a role of somebody else", rules("proxy_admin"), "route_denied"),
    ("no routes", rules(routes=[]), "route_denied"),
    ("no models", rules(models=[]), "model_denied"),
    ("another model", rules(models=["o1"]), "model_denied"),
    ("another route", rules(routes=["/v1/models"]), "route_denied"),
    ("the route with another method", rules(routes=["GET /v1/chat/completions"]), "route_denied"),
    ("a prefix that ends within", rules(routes=["/v1/cha/*"]), "route_denied"),
    ("the prefix itself", rules(routes=["/v1/chat/completions/*"]), "route_denied"),
    ("what is needed", rules(routes=["POST /v1/chat/completions"], models=["gpt-4o"]), "allowed"),
]


@pytest.mark.parametrize(
    ("profiles", "code"), [row[1:] for row in DENY_MATRIX], ids=[row[0] for row in DENY_MATRIX]
)
async def test_sec_39_what_is_not_said_is_denied(
    tmp_path: Path, profiles: object, code: str
) -> None:
    async with open_gate(tmp_path, profiles=profiles) as gate:
        assert await code_of(gate, chat()) == code


@pytest.mark.parametrize(
    ("sections", "claims", "code"),
    [
        ({"users": {"upsert": False}}, {}, "user_unknown"),
        ({"teams": {"upsert": False}}, {"team": "t1"}, "team_unknown"),
        ({"users": {"upsert": True, "defaults": {"models": []}}}, {}, "model_denied"),
        ({"roles": {"mappings": [{"value": "x", "role": "org_admin"}]}}, {"groups": ["X"]}, ""),
        (
            {"roles": {"mappings": [{"value": "x", "role": "org_admin"}]}},
            {"groups": ["x"]},
            "route_denied",
        ),
        ({"roles": {"admin_scope": "adm"}}, {"scope": "admin adm1"}, ""),
        ({"roles": {"admin_scope": "adm"}}, {"scope": "x adm"}, "route_denied"),
    ],
)
async def test_sec_39_56_rows_and_roles_are_not_made_up(
    tmp_path: Path, sections: dict[str, object], claims: dict[str, object], code: str
) -> None:
    async with open_gate(tmp_path, **sections) as gate:
        assert await code_of(gate, chat(token(**claims))) == (code or "allowed")


async def test_sec_42_no_health_path_user_agent_or_options_is_let_through(gate: Gate) -> None:
    for request in (
        chat(b"", method="OPTIONS"),
        chat(b"", method="GET", target=b"/healthz"),
        chat(b"", method="GET", target=b"/health/liveliness"),
        chat(b"", [(b"user-agent", b"kube-probe/1.30")], method="GET", target=b"/v1/models"),
    ):
        assert await code_of(gate, request) == "no_token"
