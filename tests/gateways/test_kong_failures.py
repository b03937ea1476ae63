"""Whatever goes wrong between Kong and us: never a request upstream that nobody decided on."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.kong.request import PluginEntity
from support.kong.worker import KongWorker, Protocol
from support.kong_door import KongService, ScriptedGate, running_kong_server
from support.kong_requests import (
    HOST,
    REFUSALS,
    check_decided,
    code_of,
    has_our_marker,
    request,
    scripted_kong,
    two_profiles,
)

OTHER = PluginEntity(config={"profile": "other"}, id="e0a6a1a4-0000-4000-8000-000000000002")
MISSING = PluginEntity(config={"profile": "missing"}, id="e0a6a1a4-0000-4000-8000-000000000003")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KongService]:
    with two_profiles(tmp_path) as running:
        yield running


@pytest.fixture
def gate() -> ScriptedGate:
    return ScriptedGate()


@pytest.fixture(params=["ProtoBuf:1", "MsgPack:1"])
def scripted(
    tmp_path: Path, gate: ScriptedGate, request: pytest.FixtureRequest
) -> Iterator[KongWorker]:
    with scripted_kong(tmp_path, gate, request.param) as worker:
        yield worker


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


@pytest.mark.parametrize("protocol", ["ProtoBuf:1", "MsgPack:1"])
def test_sec_41_two_hundred_at_once_each_get_their_own_answer(
    service: KongService, protocol: Protocol
) -> None:
    worker = KongWorker(service.socket, protocol=protocol, transcript=False)

    def ask(number: int) -> None:
        kind = number % 3
        who = f"user-{number % 7}"
        asked = request(who, model="gpt-4o" if kind else "unheard-of")
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
