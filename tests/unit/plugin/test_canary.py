"""Nothing of a token, a claim, a body or a path is ever read back to anyone (SEC-17, 47, 60)."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.plugin import Gate, Request
from gatepass.plugin.decision import Decision
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.request import BodyState
from support.fake_directory import FakeDirectory, gate_on
from support.gates import KEY, WITHOUT_KEYS, chat, chat_body, open_gate, rules
from support.tokens import b64, signing_key

CANARY = "canary7f3a"
WITH_CANARY = {
    "user": CANARY,
    "sub": CANARY,
    "email": f"{CANARY}@corp.example",
    "note": CANARY,
    "jti": CANARY,
}
FOREIGN = signing_key("EdDSA", CANARY)


def bearer(**claims: object) -> bytes:
    return KEY.token(WITH_CANARY | claims)


def requests() -> Iterator[Request]:
    """Yield requests that fail at every step, each with the canary wherever it can be put."""
    good = bearer()
    yield chat(CANARY.encode())
    yield chat(good + b" " + CANARY.encode())
    yield chat(good, [(b"x-api-token", b"Bearer " + CANARY.encode())])
    yield chat(good[:-8] + b"AAAAAAAA")
    yield chat(FOREIGN.token(WITH_CANARY))
    yield chat(KEY.token(WITH_CANARY, {"alg": CANARY}))
    yield chat(KEY.token(WITH_CANARY, {"typ": CANARY}))
    yield chat(KEY.token(WITH_CANARY, {"kid": CANARY}))
    yield chat(KEY.token(WITH_CANARY, {"crit": [CANARY]}))
    yield chat(KEY.token(WITH_CANARY, {CANARY: CANARY}) + b".")
    yield chat(b".".join([b64(f'{{"{CANARY}"'.encode()).encode()] * 3))
    yield chat(KEY.token(json.dumps({"iss": CANARY}).encode()))
    for claims in (
        {"iss": f"https://{CANARY}.example"},
        {"aud": CANARY},
        {"exp": 1_600_000_000},
        {"nbf": 9_000_000_000},
        {"exp": CANARY},
        {"sub": f"{CANARY}\r\nx-gatepass-role: proxy_admin"},
        {"user": [CANARY]},
        {"user": f"{CANARY}\x00"},
        {"user": None},
        {"user": None, "sub": f"{CANARY}\x00"},
        {"team": CANARY},
        {"org": CANARY},
        {"customer": {CANARY: CANARY}},
        {"groups": {CANARY: CANARY}},
    ):
        yield chat(bearer(**claims))
    yield chat(good, target=f"/v1//{CANARY}".encode())
    yield chat(good, target=f"/{CANARY}?{CANARY}".encode())
    yield chat(good, method=CANARY)
    yield chat(good, profile=CANARY)
    yield chat(good, [(b"x-gatepass-team", CANARY.encode())])
    yield chat(good, [(b"x-gatepass-team", CANARY.encode() + b"\xff")])
    yield chat(good, [(b"x-http-method", CANARY.encode())])
    yield chat(good, [(b"x-gatepass-user", CANARY.encode())], can_remove_headers=False)
    yield chat(good, headers_complete=False)
    yield chat(good, body=CANARY.encode())
    yield chat(good, body=chat_body(model=CANARY))
    yield chat(good, body=chat_body(model=[CANARY]))
    yield chat(good, body=chat_body(api_base=CANARY))
    yield chat(good, body=chat_body(max_tokens=CANARY))
    yield chat(good, body=BodyState.NOT_SHOWN)
    yield chat(good, body=BodyState.TOO_LARGE)


def check(decision: Decision) -> str:
    """Check that a refusal holds nothing of the request, and return its code."""
    assert not decision.allowed
    for shown in (
        decision.body,
        decision.response_headers,
        decision.set_headers,
        decision.remove_headers,
        decision.request_id,
        decision.effects,
        decision,
    ):
        assert CANARY not in repr(shown)
    assert decision.identity is None
    return decision.reason.code


def written(records: list[logging.LogRecord]) -> str:
    return repr([(record.getMessage(), record.__dict__) for record in records])


async def test_sec_17_47_60_no_refusal_and_no_log_line_quotes_the_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sections = {
        "profiles": rules(models=["gpt-4o"]),
        "token_headers": ["authorization", "x-api-token"],
    }
    codes = set()
    for upsert in (False, True):
        closed_to_teams = {"users": {"upsert": upsert}, "teams": {"upsert": False}}
        async with open_gate(tmp_path, **{**sections, **closed_to_teams}) as gate:
            for request in requests():
                codes.add(check(await gate.decide(request)))
                warm = gate.decide_warm(request)
                if warm is not None:
                    check(warm)
    assert len(codes) >= 30, sorted(codes)
    assert CANARY not in written(caplog.records)


@pytest.mark.parametrize(
    ("failure", "code", "faults"),
    [
        (StoreUnavailable(), "store_error", 0),
        (RuntimeError(CANARY), "internal_error", 1),
        (UnicodeDecodeError("utf-8", CANARY.encode(), 0, 1, CANARY), "internal_error", 1),
        (KeyError(CANARY), "internal_error", 1),
    ],
)
async def test_sec_18_41_60_a_failing_store_is_503_and_is_logged_by_type_alone(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
    code: str,
    faults: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    directory = FakeDirectory(failure)
    async with gate_on(directory, tmp_path) as gate:
        request = chat(bearer())
        assert gate.decide_warm(request) is None
        decision = await gate.decide(request)
        assert check(decision) == code
        assert decision.status == 503
        assert gate.faults == faults
        # a failure is not remembered, in neither direction
        assert gate.decide_warm(request) is None
        directory.failure = None
        assert (await gate.decide(request)).allowed
    assert CANARY not in written(caplog.records)
    types = [record.__dict__["fault"] for record in caplog.records if "fault" in record.__dict__]
    assert types == [type(failure).__name__] * faults


async def test_sec_41_a_store_that_fails_later_never_allows(tmp_path: Path) -> None:
    directory = FakeDirectory()
    async with gate_on(directory, tmp_path, stores={"serve_stale_for": "0"}) as gate:
        assert (await gate.decide(chat())).allowed
        directory.failure = StoreUnavailable()
        assert not await gate.is_ready()
        somebody_else = chat(KEY.token({"user": "ben", "sub": "ben"}))
        assert (await gate.decide(somebody_else)).reason.code == "store_error"


async def test_sec_60_a_kid_is_not_logged_when_the_issuer_is_asked_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    away = WITHOUT_KEYS | {
        "jwks_uri": "http://127.0.0.1:1/keys",
        "allow_http_loopback": True,
    }
    async with open_gate(tmp_path, issuers=[away]) as gate:
        decision = await gate.decide(chat(FOREIGN.token(WITH_CANARY)))
        assert check(decision) == "jwks_error"
    assert CANARY not in written(caplog.records)


async def test_sec_19_nothing_is_looked_up_for_a_token_that_does_not_verify(
    tmp_path: Path,
) -> None:
    directory = FakeDirectory()
    async with gate_on(directory, tmp_path) as gate:
        for request in (
            chat(bearer()[:-8] + b"AAAAAAAA"),
            chat(FOREIGN.token(WITH_CANARY)),
            chat(FOREIGN.token(WITH_CANARY, {"kid": KEY.kid})),
            chat(bearer(exp=1_600_000_000)),
            chat(bearer(aud="another")),
            chat(bearer(iss="https://evil.example")),
            chat(b"garbage"),
            chat(b""),
        ):
            assert not (await gate.decide(request)).allowed
        assert directory.asked == []
        assert (await gate.decide(chat(bearer()))).allowed
        assert len(directory.asked) == 1


async def test_sec_18_a_broken_clock_is_a_fault_and_not_a_way_in(tmp_path: Path) -> None:
    class BrokenClock:
        broken = False

        def wall(self) -> float:
            return 1.8e9

        def monotonic(self) -> float:
            if self.broken:
                raise OSError(CANARY)
            return 1000.0

    clock = BrokenClock()
    good = bearer(exp=int(1.8e9) + 60, nbf=None, iat=None)
    async with gate_on(FakeDirectory(), tmp_path, clock) as gate:
        assert (await gate.decide(chat(good))).allowed
        clock.broken = True
        warm = gate.decide_warm(chat(good))
        assert warm is not None
        assert check(warm) == check(await gate.decide(chat(good))) == "internal_error"
        assert gate.faults == 2
        clock.broken = False


async def test_faults_of_one_gate_are_not_those_of_another(tmp_path: Path) -> None:
    async with gate_on(FakeDirectory(RuntimeError()), tmp_path) as gate:
        await gate.decide(chat(bearer()))
        assert gate.faults == 1
    fresh: Gate
    async with gate_on(FakeDirectory(), tmp_path) as fresh:
        assert fresh.faults == 0
