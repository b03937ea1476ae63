"""The whole pipeline with real keys, a real database and a clock that tests move."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from gatepass.plugin import Gate, Request, apply_headers
from gatepass.plugin.directory.provisioning import NO_MODELS_YET
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.request import BodyState
from gatepass.rbac.roles import Role
from support.clock import ManualClock
from support.directories import open_directory
from support.gates import (
    KEY,
    OUR_ISSUER,
    ann,
    chat,
    chat_body,
    code_of,
    decide,
    open_gate,
    rules,
    token,
)
from support.jwks_server import JwksServer, ok, status
from support.tokens import ISSUER, key_set, signing_key

ALL = RowDefaults(models=None)


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with open_gate(tmp_path) as opened:
        yield opened


async def test_somebody_seen_for_the_first_time_then_warm(gate: Gate) -> None:
    request = chat(token(team="t1", org=None, customer="c-9"))
    assert gate.decide_warm(request) is None
    decision = await gate.decide(request)
    assert decision.allowed
    assert [(effect.kind, effect.subject_id) for effect in decision.effects] == [
        ("user_created", "ann"),
        ("team_created", "t1"),
    ]
    assert decision.set_headers == (
        (b"x-gatepass-user", b"ann"),
        (b"x-gatepass-team-id", b"t1"),
        (b"x-gatepass-role", b"internal_user"),
        (b"x-gatepass-end-user", b"c-9"),
    )
    warm = gate.decide_warm(request)
    assert warm is not None
    assert warm.allowed
    assert warm.effects == ()
    assert warm.set_headers == decision.set_headers
    assert warm.identity == decision.identity


async def test_another_token_of_the_same_person_is_warm_too(gate: Gate) -> None:
    assert (await gate.decide(chat())).allowed
    again = gate.decide_warm(chat(token(jti="2")))
    assert again is not None
    assert again.allowed


async def test_request_ids_are_unique_unless_the_gateway_names_the_request(gate: Gate) -> None:
    ids = {(await decide(gate, chat())).request_id for _ in range(20)}
    assert len(ids) == 20
    named = [
        (await decide(gate, chat(gateway_request_id=name, body=content))).request_id
        for name, content in (("r", None), ("r", None), ("s", None), ("r", chat_body(n=2)))
    ]
    assert named[0] == named[1]
    assert len(set(named)) == 3


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
    ("no_identity", chat(token(user=None))),
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


async def test_sec_16_54_the_same_kid_in_two_issuers_is_two_keys(tmp_path: Path) -> None:
    other = signing_key("EdDSA", "another")
    theirs = {
        **OUR_ISSUER,
        "issuer": "https://other.example",
        "jwks": {"keys": [other.jwk(kid=KEY.kid)]},
    }
    async with open_gate(tmp_path, issuers=[OUR_ISSUER, theirs]) as gate:
        assert await code_of(gate, chat()) == "allowed"
        assert await code_of(gate, chat(token(iss="https://other.example"))) == "bad_signature"
        good = other.token({"iss": "https://other.example", "user": "ben"}, {"kid": KEY.kid})
        assert await code_of(gate, chat(good)) == "allowed"
        # the same user id of another issuer is another person (SEC-54)
        twin = other.token(
            {"iss": "https://other.example", "user": "ann", "sub": "u-9"}, {"kid": KEY.kid}
        )
        assert await code_of(gate, chat(twin)) == "identity_denied"


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


@pytest.mark.parametrize("kind", ["team", "user", "organization", "end_user"])
async def test_sec_51_a_block_takes_effect_within_the_promised_seconds(
    tmp_path: Path, kind: str
) -> None:
    clock = ManualClock()
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_organization("acme", grants=ALL)
        await directory.add_end_user("c-1", grants=ALL)
        await directory.add_team("t1", organization_id="acme", grants=ALL)
        await directory.add_user("ann", issuer=ISSUER, subject="user-1", grants=ALL)
        bearer = token(team="t1", org="acme", customer="c-1")
        ids = {"team": "t1", "user": "ann", "organization": "acme", "end_user": "c-1"}
        async with open_gate(tmp_path, clock) as gate:
            assert await code_of(gate, chat(bearer)) == "allowed"
            await directory.set_blocked(kind, ids[kind], blocked=True)  # type: ignore[arg-type]
            clock.advance(9.9)
            assert await code_of(gate, chat(bearer)) == "allowed"
            clock.advance(0.1)
            assert await code_of(gate, chat(bearer)) == f"{kind}_blocked"
            assert await code_of(gate, chat(token(team="t1", org="acme", customer="c-1", jti="2")))
            await directory.set_blocked(kind, ids[kind], blocked=False)  # type: ignore[arg-type]
            clock.advance(10)
            assert await code_of(gate, chat(bearer)) == "allowed"


async def test_sec_66_a_wall_clock_set_back_makes_nothing_live_longer(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_user("ann", issuer=ISSUER, subject="user-1", grants=ALL)
        async with open_gate(tmp_path, clock) as gate:
            bearer = KEY.token({"user": "ann", "exp": int(clock.wall()) + 30})
            assert await code_of(gate, chat(bearer)) == "allowed"
            await directory.set_blocked("user", "ann", blocked=True)
            clock.advance(10)
            clock.jump_wall(-3600)
            assert await code_of(gate, chat(bearer)) == "user_blocked"


async def test_sec_66_a_verified_token_ends_by_the_monotonic_clock_as_well(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_gate(tmp_path, clock) as gate:
        bearer = KEY.token({"user": "ann", "exp": int(clock.wall()) + 30})
        assert (await gate.decide(chat(bearer))).allowed
        clock.advance(5)
        clock.jump_wall(-20)
        clock.advance(40)
        warm = gate.decide_warm(chat(bearer))
        assert warm is None, "the rows are old, and the token was verified anew"


async def test_a_token_stops_at_its_end_also_when_warm(tmp_path: Path) -> None:
    clock = ManualClock()
    async with open_gate(tmp_path, clock) as gate:
        bearer = KEY.token({"user": "ann", "exp": int(clock.wall()) + 30})
        assert await code_of(gate, chat(bearer)) == "allowed"
        clock.advance(41)
        warm = gate.decide_warm(chat(bearer))
        assert warm is not None
        assert warm.reason.code == "expired"


async def test_an_issuer_that_is_away_is_503_for_its_tokens_alone(tmp_path: Path) -> None:
    clock = ManualClock()
    away = signing_key("EdDSA", "away")
    async with JwksServer() as server:
        url = server.serve("/keys", status(500))
        theirs = {k: v for k, v in OUR_ISSUER.items() if k != "jwks"} | {
            "issuer": "https://away.example",
            "jwks_uri": url,
            "allow_http_loopback": True,
        }
        async with open_gate(tmp_path, clock, issuers=[OUR_ISSUER, theirs]) as gate:
            assert not await gate.is_ready()
            assert await code_of(gate, chat()) == "allowed"
            theirs_token = away.token({"iss": "https://away.example", "user": "ben"})
            assert gate.decide_warm(chat(theirs_token)) is None
            assert await code_of(gate, chat(theirs_token)) == "jwks_error"
            server.serve("/keys", ok(key_set(away)))
            clock.advance(2)
            assert await code_of(gate, chat(theirs_token)) == "allowed"
            assert await gate.is_ready()
            assert [status.last_error for status in gate.issuers()] == [None, None]


async def test_sec_55_fifty_first_requests_make_one_row(gate: Gate) -> None:
    decisions = await asyncio.gather(
        *(gate.decide(chat(token(team="t1", jti=str(number)))) for number in range(50))
    )
    assert all(decision.allowed for decision in decisions)
    kinds: Sequence[str] = [e.kind for decision in decisions for e in decision.effects]
    assert sorted(kinds) == ["team_created", "user_created"]


@pytest.mark.parametrize("subject", ["team_id:t1", "a:b", "user:v1:ann", "ann\x1ft1"[:3] + ":t1"])
async def test_sec_49_subjects_that_look_like_keys(gate: Gate, subject: str) -> None:
    first = token(sub=subject, user=subject)
    assert await code_of(gate, chat(first)) == "allowed"
    head, _, tail = subject.partition(":")
    other = await decide(gate, chat(token(sub=head, user=tail)))
    assert dict(other.set_headers)[b"x-gatepass-user"] == tail.encode()
    mine = await decide(gate, chat(first))
    assert dict(mine.set_headers)[b"x-gatepass-user"] == subject.encode()


async def test_a_stored_role_counts_and_a_row_without_models_has_none(tmp_path: Path) -> None:
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_user(
            "ann", issuer=ISSUER, subject="user-1", role=Role.PROXY_ADMIN, grants=ALL
        )
        await directory.add_user("ben", issuer=ISSUER, subject="user-2", grants=NO_MODELS_YET)
    async with open_gate(tmp_path) as gate:
        assert await code_of(gate, chat()) == "route_denied"
        assert await code_of(gate, chat(token(user="ben", sub="user-2"))) == "model_denied"


async def test_the_trace_tells_the_steps_and_never_the_token(gate: Gate) -> None:
    steps: list[tuple[str, str]] = []
    decision = await gate.decide(
        chat(token(team="t1")), lambda step, found: steps.append((step, found))
    )
    assert decision.allowed
    assert [step for step, _ in steps] == [
        "route",
        "credential",
        "verify",
        "identify",
        "authorize",
        "budgets",
    ]
    assert ann().decode() not in str(steps)
    steps.clear()
    await gate.decide(chat(b""), lambda step, found: steps.append((step, found)))
    assert [step for step, _ in steps] == ["route"]
