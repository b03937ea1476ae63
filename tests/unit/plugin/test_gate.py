"""The whole pipeline with real keys, a real database and a clock that tests move."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from gatepass.plugin import Gate, load_settings
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.explanation import Finding, explain
from gatepass.plugin.opening import Stores
from gatepass.rbac.checks import Call
from gatepass.rbac.roles import Role
from support.clock import ManualClock
from support.directories import open_directory
from support.gates import (
    KEY,
    OUR_ISSUER,
    WITHOUT_KEYS,
    chat,
    chat_body,
    code_of,
    decide,
    open_gate,
    settings_file,
    token,
)
from support.jwks_server import JwksServer, ok, status
from support.rows import NO_MODELS_YET, Kind
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
    assert len(ids) == len({one[:8] for one in ids}) == 20, "one id tells nothing of another"
    named = [
        (await decide(gate, chat(gateway_request_id=name, body=content))).request_id
        for name, content in (("r", None), ("r", None), ("s", None), ("r", chat_body(n=2)))
    ]
    assert named[0] == named[1]
    assert len(set(named)) == 3


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


@pytest.mark.parametrize("kind", ["team", "user", "organization", "end_user"])
async def test_sec_51_a_block_takes_effect_within_the_promised_seconds(
    tmp_path: Path, kind: Kind
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
            await directory.set_blocked(kind, ids[kind], blocked=True)
            clock.advance(9.9)
            assert await code_of(gate, chat(bearer)) == "allowed"
            clock.advance(0.1)
            assert await code_of(gate, chat(bearer)) == f"{kind}_blocked"
            another = token(team="t1", org="acme", customer="c-1", jti="2")
            assert await code_of(gate, chat(another)) == f"{kind}_blocked"
            await directory.set_blocked(kind, ids[kind], blocked=False)
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
        theirs = WITHOUT_KEYS | {
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


@pytest.mark.parametrize("subject", ["team_id:t1", "a:b", "user:v1:ann", "ann:t1"])
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

    def note(found: Finding) -> None:
        if not isinstance(found, Call):
            steps.append(explain(found))

    far_away = token(team="t1", exp=2**53)
    decision = await gate.decide(chat(far_away), note)
    assert decision.allowed
    names = [step for step, _ in steps]
    assert names == ["route", "credential", "verify", "identify", "authorize"]
    assert "until the end of time" in dict(steps)["verify"]
    assert far_away.decode() not in str(steps)
    steps.clear()
    await gate.decide(chat(b""), note)
    assert dict(steps)["credential"] == "no bearer token"
    steps.clear()
    files = chat(token(jti="7"), method="GET", target=b"/v1/models")
    await gate.decide(files, note)
    assert dict(steps)["authorize"] == "no model named"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"team": "t1"}, "allowed"),
        ({"teams": ["t1"]}, "allowed"),
        ({"teams": ["t9", "t1"]}, "allowed"),
        ({"teams": ["t9"]}, "team_unknown"),
        ({"teams": []}, "no_identity"),
        ({"teams": ["T1", "t1 x"]}, "team_unknown"),
        ({"team": "t9"}, "team_unknown"),
        ({"teams": ["blocked", "t9"]}, "team_blocked"),
    ],
)
async def test_sec_39_a_machine_without_a_stored_team_is_nobody(
    tmp_path: Path, claims: dict[str, object], code: str
) -> None:
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_team("t1", grants=ALL)
        await directory.add_team("blocked", grants=ALL)
        await directory.set_blocked("team", "blocked", blocked=True)
    async with open_gate(tmp_path, teams={"upsert": False}) as gate:
        assert await code_of(gate, chat(token(user=None, sub="machine", **claims))) == code


async def test_another_store_is_used_where_one_is_given(tmp_path: Path) -> None:
    settings = load_settings(settings_file(tmp_path))
    elsewhere = tmp_path / "elsewhere.db"
    async with Gate.open(settings, stores=Stores(f"sqlite:///{elsewhere}")) as gate:
        assert (await gate.decide(chat())).allowed
    assert elsewhere.exists()
    assert not (tmp_path / "gatepass.db").exists()
