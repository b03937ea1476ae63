"""Bound tokens through the whole Gate: in the hands that they were made for, and in others."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from gatepass.plugin import Gate, Request, apply_headers, load_settings
from gatepass.plugin.decision import Allow, BodyWanted, Decision
from gatepass.plugin.request import BodyState, CertificateState
from support.books import reserved
from support.clock import ManualClock
from support.gates import KEY, OUR_ISSUER, chat, chat_body, decide, open_gate, rules, settings_file
from support.proofs import CLIENT_KEY, THIEF_KEY, URL, bound_to, proof_for, thumbprint
from support.tokens import b64, digest

HASH = digest(b"a certificate")
DPOP = {"external_urls": URL}


def issuers(**constrained: object) -> list[dict[str, object]]:
    return [{**OUR_ISSUER, "sender_constrained": constrained}]


def key_bound(**claims: object) -> bytes:
    return KEY.token({"user": "ann", "cnf": bound_to()} | claims)


def certificate_bound(**claims: object) -> bytes:
    return KEY.token({"user": "ann", "cnf": {"x5t#S256": b64(HASH)}} | claims)


def ask(  # noqa: PLR0913 - the parts of a request
    token: bytes,
    proof: bytes | None = None,
    *,
    scheme: bytes = b"DPoP",
    certificate: bytes | CertificateState = CertificateState.NOT_SHOWN,
    headers: Sequence[tuple[bytes, bytes]] = (),
    method: str = "POST",
    target: bytes = b"/v1/chat/completions",
    body: bytes | BodyState | None = None,
    gateway_request_id: str | None = None,
) -> Request:
    proofs = [] if proof is None else [(b"DPoP", proof)]
    return Request(
        method=method,
        target=target,
        headers=[
            (b"content-type", b"application/json"),
            (b"authorization", scheme + b" " + token),
            *proofs,
            *headers,
        ],
        body=chat_body() if body is None else body,
        client_certificate=certificate,
        gateway_request_id=gateway_request_id,
    )


def challenge_of(decision: Decision) -> str:
    return dict(decision.response_headers)[b"www-authenticate"].decode()


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    settings = issuers(mtls="optional", dpop="optional")
    clock = ManualClock()
    async with open_gate(tmp_path, clock, issuers=settings, dpop=DPOP) as opened:
        clock.advance(1)
        yield opened


async def code(gate: Gate, request: Request) -> str:
    return (await decide(gate, request)).reason.code


@pytest.mark.parametrize("scheme", [b"DPoP", b"dpop", b"DPOP"])
async def test_a_token_with_its_proof_passes_and_neither_goes_upstream(
    gate: Gate, scheme: bytes
) -> None:
    token = key_bound()
    request = ask(token, proof_for(token), scheme=scheme)
    decision = await decide(gate, request)
    assert isinstance(decision, Allow)
    upstream = [name.lower() for name, _ in apply_headers(decision, request.headers)]
    assert b"authorization" not in upstream
    assert b"dpop" not in upstream
    again = await decide(gate, ask(token, proof_for(token)))
    assert again.allowed  # this time all else is in memory


async def test_sec_48_a_proof_goes_upstream_with_its_token_only(tmp_path: Path) -> None:
    trusting = rules(allow_token_upstream=True)
    clock = ManualClock()
    async with open_gate(
        tmp_path, clock, issuers=issuers(dpop="required"), dpop=DPOP, profiles=trusting
    ) as gate:
        clock.advance(1)
        token = key_bound()
        request = ask(token, proof_for(token))
        decision = await decide(gate, request)
        assert apply_headers(decision, request.headers)[: len(request.headers)] == request.headers


@pytest.mark.parametrize("warm", [False, True])
async def test_a_replayed_proof_is_refused(gate: Gate, *, warm: bool) -> None:
    token = key_bound()
    if warm:
        assert (await decide(gate, ask(token, proof_for(token)))).allowed
    request = ask(token, proof_for(token))
    assert (await decide(gate, request)).allowed
    refused = await decide(gate, request)
    assert (refused.status, refused.reason.code) == (401, "dpop_replayed")
    assert 'DPoP realm="gatepass", error="invalid_dpop_proof"' in challenge_of(refused)
    assert await code(gate, ask(token, proof_for(token, jti="x"))) == "allowed"
    assert await code(gate, ask(token, proof_for(token, jti="x"))) == "dpop_replayed"


async def test_of_many_requests_at_once_with_one_proof_one_passes(gate: Gate) -> None:
    token = key_bound()
    proof = proof_for(token)
    decisions = await asyncio.gather(*(decide(gate, ask(token, proof)) for _ in range(20)))
    assert sorted(decision.reason.code for decision in decisions) == [
        "allowed",
        *["dpop_replayed"] * 19,
    ]


async def test_a_question_that_the_gateway_repeats_is_no_replay(gate: Gate) -> None:
    token = key_bound()
    request = ask(token, proof_for(token), gateway_request_id="kong-1")
    first, second = await decide(gate, request), await decide(gate, request)
    assert first.allowed
    assert first.request_id == second.request_id
    other = ask(token, request.headers[2][1], gateway_request_id="kong-2")
    assert await code(gate, other) == "dpop_replayed"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"scheme": b"Bearer"}, "dpop_missing"),
        ({"scheme": b"bearer"}, "dpop_missing"),
        ({"proof": None}, "dpop_missing"),
        ({"scheme": b"Bearer", "proof": None}, "dpop_missing"),
        ({"scheme": b"DPoP2"}, "no_token"),
        ({"proof": b""}, "bad_dpop_proof"),
        ({"proof": b"x.y.z"}, "bad_dpop_proof"),
        ({"headers": [(b"dpop", b"x")]}, "bad_dpop_proof"),
        ({"method": "GET", "target": b"/v1/models"}, "dpop_mismatch"),
        ({"target": b"/v1/embeddings"}, "dpop_mismatch"),
        ({"headers": [(b"x-api-token", b"x")]}, "allowed"),
    ],
    ids=repr,
)
async def test_sec_43_a_stolen_token_without_its_key_is_worth_nothing(
    gate: Gate, changes: Mapping[str, object], expected: str
) -> None:
    token = key_bound()
    parts: dict[str, object] = {"proof": proof_for(token)} | dict(changes)
    for _ in range(2):
        request = ask(token, **parts)  # type: ignore[arg-type]
        found = await code(gate, request)
        assert found == expected
        if expected == "allowed":
            break


async def test_a_foreign_proof_is_refused(gate: Gate) -> None:
    token = key_bound()
    assert await code(gate, ask(token, proof_for(token, THIEF_KEY))) == "dpop_wrong_key"
    other = key_bound(sub="somebody else")
    assert await code(gate, ask(token, proof_for(other))) == "dpop_mismatch"
    stale = proof_for(token, iat=time.time() - 100)
    assert await code(gate, ask(token, stale)) == "dpop_not_fresh"


async def test_a_token_that_is_bound_to_no_key_does_not_pass_by_dpop(gate: Gate) -> None:
    bearer = KEY.token({"user": "ann"})
    assert await code(gate, ask(bearer, proof_for(bearer))) == "not_bound"
    assert await code(gate, ask(bearer, scheme=b"Bearer")) == "allowed"
    assert await code(gate, ask(bearer, proof_for(bearer))) == "not_bound"  # a warm one too
    by_certificate = certificate_bound()
    request = ask(by_certificate, proof_for(by_certificate), certificate=HASH)
    assert await code(gate, request) == "not_bound"


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        (HASH, "allowed"),
        (digest(b"another"), "certificate_mismatch"),
        (CertificateState.NONE, "certificate_missing"),
        (CertificateState.NOT_SHOWN, "certificate_not_shown"),
    ],
)
async def test_sec_44_a_token_that_is_bound_to_a_certificate(
    gate: Gate, certificate: bytes | CertificateState, expected: str
) -> None:
    token = certificate_bound()
    for _ in range(2):
        request = ask(token, scheme=b"Bearer", certificate=certificate)
        assert await code(gate, request) == expected


async def test_a_token_that_is_bound_to_both_needs_both(gate: Gate) -> None:
    token = KEY.token({"user": "ann", "cnf": bound_to() | {"x5t#S256": b64(HASH)}})
    both = ask(token, proof_for(token), certificate=HASH)
    assert await code(gate, both) == "allowed"
    no_certificate = ask(token, proof_for(token), certificate=CertificateState.NONE)
    assert await code(gate, no_certificate) == "certificate_missing"
    no_proof = ask(token, scheme=b"Bearer", certificate=HASH)
    assert await code(gate, no_proof) == "dpop_missing"


async def test_where_nothing_is_said_a_bound_token_is_refused(tmp_path: Path) -> None:
    async with open_gate(tmp_path) as gate:
        for token in (key_bound(), certificate_bound()):
            assert await code(gate, ask(token, scheme=b"Bearer")) == "binding_unchecked"
        token = key_bound()
        refused = await decide(gate, ask(token, proof_for(token)))
        assert refused.reason.code == "no_token"
        assert challenge_of(refused) == 'Bearer realm="gatepass"'
        unbound = await decide(gate, chat(headers=[(b"dpop", b"x"), (b"dpop", b"y")]))
        assert unbound.allowed
        assert b"dpop" not in unbound.remove_headers


async def test_what_is_required_and_how_a_client_is_told(tmp_path: Path) -> None:
    strict = issuers(dpop="required")
    algorithms = {"external_urls": URL, "algorithms": ["ES256", "EdDSA"]}
    async with open_gate(tmp_path, issuers=strict, dpop=algorithms) as gate:
        unbound = await decide(gate, chat())
        assert unbound.reason.code == "not_bound"
        error = 'error="invalid_token", error_description="The token is not bound to its sender."'
        assert challenge_of(unbound) == f'DPoP realm="gatepass", {error}, algs="ES256 EdDSA"'
        nothing = await decide(gate, chat(b""))
        assert challenge_of(nothing) == 'DPoP realm="gatepass", algs="ES256 EdDSA"'


async def test_where_both_schemes_are_possible_both_are_offered(gate: Gate) -> None:
    offered = challenge_of(await decide(gate, chat(b"")))
    assert offered.startswith('Bearer realm="gatepass", DPoP realm="gatepass", algs="ES256 ES384')
    token = key_bound()
    downgraded = challenge_of(await decide(gate, ask(token, scheme=b"Bearer")))
    assert downgraded.startswith('Bearer realm="gatepass", error="invalid_token", error_descr')
    assert ', DPoP realm="gatepass", algs="' in downgraded


async def test_sec_50_a_proof_that_was_used_stays_used_after_a_reload(tmp_path: Path) -> None:
    clock = ManualClock()
    sections = {"issuers": issuers(dpop="optional"), "dpop": DPOP}
    async with open_gate(tmp_path, clock, **sections) as gate:
        clock.advance(1)
        token = key_bound()
        proof = proof_for(token)
        assert (await decide(gate, ask(token, proof))).allowed
        await gate.adopt(load_settings(settings_file(tmp_path, **sections)))
        assert await code(gate, ask(token, proof)) == "dpop_replayed"
        assert await code(gate, ask(token, proof_for(token))) == "allowed"
        await gate.adopt(load_settings(settings_file(tmp_path)))
        assert await code(gate, ask(token, scheme=b"Bearer")) == "binding_unchecked"
        await gate.adopt(load_settings(settings_file(tmp_path, **sections)))
        # what happened meanwhile is not known: only proofs that are newer than the settings pass
        assert await code(gate, ask(token, proof)) == "dpop_not_fresh"


async def test_a_request_whose_body_is_awaited_uses_its_proof_when_it_is_let_through(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    sections = {
        "issuers": issuers(dpop="optional"),
        "dpop": DPOP,
        "profiles": rules(models=["gpt-4o*"]),
    }
    async with open_gate(tmp_path, clock, **sections) as gate:
        clock.advance(1)
        token = key_bound()
        proof = proof_for(token)
        waiting = [await decide(gate, ask(token, proof, body=BodyState.NOT_READ)) for _ in range(2)]
        bodies = [one.conclude(chat_body()) for one in waiting if isinstance(one, BodyWanted)]
        assert [one.reason.code for one in bodies if one is not None] == [
            "allowed",
            "dpop_replayed",
        ]


async def test_a_refused_request_uses_no_proof_up(gate: Gate) -> None:
    token = key_bound()
    proof = proof_for(token)
    no_model = chat_body(model=None)
    assert await code(gate, ask(token, proof, body=no_model)) == "model_missing"
    assert await code(gate, ask(token, proof)) == "allowed"


async def test_a_used_up_budget_uses_no_proof_up_and_a_replay_no_budget(tmp_path: Path) -> None:
    clock = ManualClock()
    users = {"upsert": True, "defaults": {"budget": "2 requests"}}
    async with open_gate(
        tmp_path, clock, issuers=issuers(dpop="required"), dpop=DPOP, users=users
    ) as gate:
        clock.advance(1)
        token = key_bound()
        first, second, third = (ask(token, proof_for(token)) for _ in range(3))
        paid = await decide(gate, first)
        assert [await code(gate, first) for _ in range(3)] == ["dpop_replayed"] * 3
        assert reserved(gate) == [paid.request_id], "what was replayed holds nothing"
        assert await code(gate, second) == "allowed"
        assert await code(gate, third) == "budget_exceeded"
        await gate.release(paid.request_id)
        assert await code(gate, third) == "allowed", "the proof was not used up"


async def test_a_flood_of_proofs_is_bounded_and_refused_as_our_own_trouble(tmp_path: Path) -> None:
    clock = ManualClock()
    small = {"external_urls": URL, "max_proofs": 16}
    async with open_gate(tmp_path, clock, issuers=issuers(dpop="optional"), dpop=small) as gate:
        clock.advance(1)
        token = key_bound()
        codes = [await code(gate, ask(token, proof_for(token))) for _ in range(3)]
        assert codes == ["allowed", "allowed", "overloaded"]
        other = key_bound(sub="bob", user="bob")
        assert await code(gate, ask(other, proof_for(other))) == "allowed"


async def test_keycloak_says_dpop_in_the_type_of_bound_tokens(tmp_path: Path) -> None:
    keycloak = {**OUR_ISSUER, "preset": "keycloak"}
    sections = {"issuers": [keycloak | {"sender_constrained": {"dpop": "optional"}}], "dpop": DPOP}
    clock = ManualClock()
    async with open_gate(tmp_path, clock, **sections) as gate:
        clock.advance(1)
        token = key_bound(typ="DPoP")
        assert await code(gate, ask(token, proof_for(token))) == "allowed"
        assert await code(gate, ask(KEY.token({"typ": "ID"}), scheme=b"Bearer")) == (
            "wrong_token_type"
        )
        await gate.adopt(load_settings(settings_file(tmp_path, issuers=[keycloak])))
        assert await code(gate, ask(token, scheme=b"Bearer")) == "wrong_token_type"


async def test_sec_60_a_refusal_quotes_neither_proof_nor_certificate(gate: Gate) -> None:
    token = key_bound()
    canary = "canary-2f61"
    refused = await decide(gate, ask(token, proof_for(token, jti=canary, htu=f"https://{canary}/")))
    told = repr(refused) + refused.body.decode() + challenge_of(refused)
    assert canary not in told
    assert b64(thumbprint(CLIENT_KEY)) not in told
