"""Whatever goes wrong between Kong and us: never a request upstream that nobody decided on."""

import os
import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.gatepass_service import bearer
from support.gateway_table import CHAT, chat
from support.kong.request import ClientRequest, PluginEntity
from support.kong.results import Answered, Proxied, Shared
from support.kong.worker import Exchange, KongWorker, Protocol
from support.kong_door import KongService, ScriptedGate, running_kong_server, running_kong_service
from support.kong_relay import Relay, relayed

REFUSALS = [reason for reason in Reason if reason is not Reason.ALLOWED]
OTHER = PluginEntity(config={"profile": "other"}, id="e0a6a1a4-0000-4000-8000-000000000002")
MISSING = PluginEntity(config={"profile": "missing"}, id="e0a6a1a4-0000-4000-8000-000000000003")
HOST = ("Host", "api.example.test")


def request(subject: str = "alice", **more: object) -> ClientRequest:
    body = chat(**more)
    length = ("Content-Length", str(len(body)))
    return ClientRequest("POST", CHAT, (HOST, ("Authorization", bearer(subject)), length), body)


def code_of(exchange: Exchange) -> str:
    """Return our code of an answer."""
    body = exchange.answered.body.decode()
    return next(reason.code for reason in REFUSALS if f'"{reason.code}"' in body)


def check_decided(exchange: Exchange, subject: str = "alice") -> bool:
    """Tell whether the request went upstream; if it did, it carries the identity and the marker."""
    if isinstance(exchange.result, Answered):
        # an event that is repeated after the token was taken away finds none
        assert exchange.result.status >= 500 or code_of(exchange) == "no_token"
        return False
    assert exchange.proxied.values("x-gatepass-user") == [subject]
    assert str(exchange.state.shared["gatepass"]).startswith("v1:")
    return True


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KongService]:
    rules = {"permissions": {"internal_user": {"routes": ["openai_routes"], "models": "all"}}}
    profiles = {"default": rules, "other": {"permissions": {}}}
    with running_kong_service(tmp_path, profiles=profiles) as running:
        yield running
        assert running.faults == 0


@pytest.fixture
def gate() -> ScriptedGate:
    return ScriptedGate()


@pytest.fixture(params=["ProtoBuf:1", "MsgPack:1"])
def scripted(
    tmp_path: Path, gate: ScriptedGate, request: pytest.FixtureRequest
) -> Iterator[KongWorker]:
    """Give a Kong before a server that decides by a script, within 0.3 s."""
    protocol: Protocol = request.param
    door = KongDoor(tmp_path / "kong.sock", deadline_seconds=0.3, body_seconds=0.3)
    with running_kong_server(gate, door):
        worker = KongWorker(door.socket, protocol=protocol, read_timeout=5.0)
        yield worker
        worker.close()


def test_sec_64_every_refusal_arrives_as_it_was_said(
    scripted: KongWorker, gate: ScriptedGate
) -> None:
    for reason in REFUSALS:
        if reason is Reason.BODY_NOT_SHOWN:
            continue  # the door reads the body, and asks again
        gate.answer = refusal = refuse_for(reason, 17)
        answer = scripted.handle(request()).answered
        assert (answer.status, answer.body) == (reason.status, refusal.body)
        assert answer.values("cache-control") == ["no-store"]
        for name, value in refusal.response_headers:
            assert answer.values(name.decode()) == [value.decode()]


def test_sec_41_a_decision_that_never_comes_is_503(
    scripted: KongWorker, gate: ScriptedGate
) -> None:
    gate.answer = None
    exchange = scripted.handle(request())
    assert (exchange.answered.status, code_of(exchange)) == (503, "deadline")
    assert exchange.attempts == 1


@pytest.mark.parametrize("warm", [True, False])
def test_sec_41_a_decision_that_fails_is_503(
    scripted: KongWorker, gate: ScriptedGate, *, warm: bool
) -> None:
    gate.answer, gate.warm = LookupError(), warm
    exchange = scripted.handle(request())
    assert (exchange.answered.status, code_of(exchange)) == (503, "internal_error")
    assert exchange.attempts == 1
    gate.answer = None


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 8193, 11_000, 40_000, 1_048_576])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_any_size_is_judged_whole(
    scripted: KongWorker, gate: ScriptedGate, size: int, *, chunked: bool
) -> None:
    gate.answer = refuse_for(Reason.BODY_NOT_SHOWN)
    body = os.urandom(size)
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))
    scripted.handle(ClientRequest("POST", CHAT, (HOST, framing), body))
    assert gate.requests[-1].body == body


def test_sec_43_bytes_that_are_no_text_arrive_as_they_are(
    scripted: KongWorker, gate: ScriptedGate
) -> None:
    odd = (
        ("X-Latin", b"caf\xe9"),
        ("X-Bad", b"\xff\xfe\x80"),
        ("X-Tab", b"a\tb"),
        ("X-Empty", b""),
        ("X-Dup", b"one"),
        ("x-dup", b"two"),
        ("X-DUP", b"three, four"),
        ("X_Dup", b"five"),
    )
    exchange = scripted.handle(ClientRequest("GET", "/v1/models", (HOST, *odd)))
    assert isinstance(exchange.result, Proxied)
    (asked,) = gate.requests
    assert sorted(asked.headers) == sorted(
        [(b"host", b"api.example.test"), *((name.lower().encode(), value) for name, value in odd)]
    )
    told = dict.fromkeys(name for name, _ in asked.headers)
    assert [value for name, value in asked.headers if name == b"x-dup"] == [
        b"one",
        b"two",
        b"three, four",
    ]
    assert b"x_dup" in told


def test_sec_44_a_header_list_that_may_be_cut_is_refused(service: KongService) -> None:
    worker = KongWorker(service.socket)
    many = tuple((f"X-{number}", "v") for number in range(998))
    head = (HOST, ("Authorization", bearer()))
    assert check_decided(worker.handle(ClientRequest("GET", "/v1/models", (*head, *many[:-1]))))
    cut = worker.handle(ClientRequest("GET", "/v1/models", (*head, *many)))
    assert (cut.answered.status, code_of(cut)) == (431, "headers_cut")
    worker.close()


@pytest.mark.parametrize("protocol", ["ProtoBuf:1", "MsgPack:1"])
def test_sec_41_two_hundred_at_once_each_get_their_own_answer(
    service: KongService, protocol: Protocol
) -> None:
    worker = KongWorker(service.socket, protocol=protocol, transcript=False)

    def ask(number: int) -> None:
        kind = number % 3
        who = f"user-{number % 7}"
        asked = request(who, model="gpt-4o" if kind else "o3")
        if kind == 2:
            asked = replace(asked, headers=(HOST, ("Authorization", "Bearer x.y.z")))
        exchange = worker.handle(asked)
        if kind == 1:
            assert exchange.proxied.values("x-gatepass-user") == [who]
        elif kind == 2:
            assert exchange.answered.status == 401
        else:
            assert exchange.answered.status == 403  # there is no price for it

    with ThreadPoolExecutor(20) as clients:
        for asking in [clients.submit(ask, number) for number in range(200)]:
            asking.result()
    worker.close()


def test_a_configuration_reaches_its_own_profile_and_no_other(service: KongService) -> None:
    worker = KongWorker(service.socket)
    for _ in range(2):
        for entity, status in ((None, None), (OTHER, 403), (MISSING, 503)):
            exchange = worker.handle(request(), entity=entity)
            got = exchange.answered.status if status else None
            assert got == status
            assert exchange.attempts == 1
        worker.post_config()
    worker.close()


def test_sec_41_ids_from_before_a_restart_still_mean_what_they_meant(
    service: KongService, tmp_path: Path
) -> None:
    worker = KongWorker(service.socket)
    assert check_decided(worker.handle(request()))
    assert worker.handle(request(), entity=OTHER).answered.status == 403
    assert worker.handle(request(), entity=MISSING).answered.status == 503
    door = KongDoor(tmp_path / "second.sock")
    with running_kong_server(service.asked, door):
        # Kong finds another server at its socket, and remembers ids that this one never gave
        worker._pool._path = str(door.socket)
        worker.close()
        for entity, attempts, status in ((OTHER, 1, 403), (MISSING, 2, 503)):
            exchange = worker.handle(request(), entity=entity)
            assert (exchange.attempts, exchange.answered.status) == (attempts, status)
        assert check_decided(worker.handle(request()))
        worker.close()


def has_our_marker(shared: Shared) -> bool:
    """Judge as the guard that `gatepass kong config` prints."""
    marker = shared.get("gatepass")
    return isinstance(marker, str) and marker.startswith("v1:")


@pytest.mark.parametrize("protocol", ["ProtoBuf:1", "MsgPack:1"])
def test_sec_41_a_connection_cut_anywhere_is_decided_or_refused(
    service: KongService, protocol: Protocol
) -> None:
    framed = protocol == "ProtoBuf:1"

    def ask(relay: Relay, subject: str) -> Exchange:
        worker = KongWorker(relay.path, protocol=protocol, guard=has_our_marker)
        exchange = worker.handle(request(subject))
        worker.close()
        return exchange

    with relayed(service.socket, framed=framed) as relay:
        exchange = ask(relay, "whole")
        assert check_decided(exchange, "whole")
        messages = relay.messages
    assert messages > 25
    upstream = {exchange.state.shared["gatepass"]}
    for cut_after in range(messages):
        with relayed(service.socket, cut_after, framed=framed) as relay:
            exchange = ask(relay, subject := f"cut-{cut_after}")
            if check_decided(exchange, subject):
                upstream.add(exchange.state.shared["gatepass"])
            assert exchange.attempts <= 2
    # what went upstream is paid for, and an event that was repeated reserved once
    held = {f"v1:{request_id}" for request_id in service.gate._budgets._open}
    assert upstream <= held
    assert len(held) <= messages + 1


def test_sec_41_a_dead_server_lets_nothing_through_but_for_msgpack_without_the_guard(
    tmp_path: Path,
) -> None:
    nobody = tmp_path / "kong.sock"
    assert KongWorker(nobody).handle(request()).answered.status == 500
    guarded = KongWorker(nobody, protocol="MsgPack:1", guard=has_our_marker)
    assert guarded.handle(request()).answered.status == 500  # it never started
    with running_kong_server(ScriptedGate(), KongDoor(nobody)):
        guarded.handle(request())
        bare = KongWorker(nobody, protocol="MsgPack:1")
        bare.handle(request())
    assert guarded.handle(request()).answered.status == 503
    assert bare.handle(request()).proxied.values("x-gatepass-user") == []


def test_sec_41_an_event_that_comes_twice_is_one_request(service: KongService) -> None:
    with relayed(service.socket, 20) as relay:
        worker = KongWorker(relay.path)
        exchange = worker.access(request())
        worker.close()
    assert exchange.attempts == 2
    ids = {asked.gateway_request_id for asked in service.asked.requests}
    assert ids == {exchange.state.request_id}


def test_sec_41_garbage_harms_nobody_else(service: KongService) -> None:
    random_bytes = random.Random(7).randbytes  # noqa: S311 - the same bytes in every run
    with ThreadPoolExecutor(2) as strangers:
        done = threading.Event()

        def talk() -> None:
            while not done.is_set():
                with suppress(OSError), socket.socket(socket.AF_UNIX) as stranger:
                    stranger.connect(str(service.socket))
                    stranger.sendall(random_bytes(200))

        talking = [strangers.submit(talk) for _ in range(2)]
        worker = KongWorker(service.socket, transcript=False)
        try:
            for _ in range(100):
                assert check_decided(worker.handle(request()))
        finally:
            done.set()
        for one in talking:
            one.result()
        worker.close()


def test_sec_41_a_call_that_cannot_be_read_is_closed_slower_each_time(service: KongService) -> None:
    def seconds_until_closed() -> float:
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(5.0)
            stranger.connect(str(service.socket))
            stranger.sendall(b"\x03\x00\x00\x00\xff\xff\xff")
            start = time.monotonic()
            assert stranger.recv(1) == b""
            return time.monotonic() - start

    delays = [seconds_until_closed() for _ in range(4)]
    assert delays == sorted(delays)
