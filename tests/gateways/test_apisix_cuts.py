"""Connections that are cut, runners that come back, and strangers who talk garbage."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.apisix.messages import EXTRA, Message
from support.apisix.results import Proxied
from support.apisix.worker import ApisixWorker
from support.apisix_calls import TARGET, asked_in, call, extra, refused, rewrite_in, said_in
from support.apisix_door import ApisixService, running_apisix_server
from support.apisix_relay import relayed
from support.apisix_requests import check_decided, request, two_profiles
from support.books import reserved
from support.doors import PASS
from support.kong_door import ScriptedGate
from support.unix_sockets import connect

FRAMES = 8
"""A token that is prepared, a call, two questions with their answers, and the end."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ApisixService]:
    with two_profiles(tmp_path) as running:
        yield running


@pytest.mark.parametrize("half", [False, True])
def test_sec_41_a_connection_cut_anywhere_is_decided_or_refused(
    service: ApisixService, *, half: bool
) -> None:
    with relayed(service.socket) as relay, ApisixWorker(relay.path) as worker:
        passed = [check_decided(worker.handle(request("whole")), "whole")]
        assert relay.messages == FRAMES
    for cut_after in range(FRAMES):
        with (
            relayed(service.socket, cut_after, half=half) as relay,
            ApisixWorker(relay.path) as worker,
        ):
            exchange = worker.handle(request(f"cut-{cut_after}"))
            assert exchange.answered.status == 503
            assert exchange.upstream_requests == []
            # the cut harms no later request, and no reservation is anybody else's
            passed.append(check_decided(worker.handle(request("next")), "next"))
    assert len(set(passed)) == FRAMES + 1
    held = set(reserved(service.gate))
    assert set(passed) <= held
    # of a request that was cut only the last frame, the yes itself, can leave something behind
    assert len(held) <= len(passed) + 1


def test_what_goes_upstream_is_reserved_exactly_once(tmp_path: Path) -> None:
    small = {"upsert": True, "defaults": {"budget": "$0.05 per day"}}
    with two_profiles(tmp_path, users=small) as service:
        with ApisixWorker(service.socket) as worker:
            ids: list[str | None] = []
            while isinstance((exchange := worker.handle(request(max_tokens=1000))).result, Proxied):
                ids.append(check_decided(exchange))
                assert reserved(service.gate) == ids
        assert exchange.answered.status == 429
        assert len(ids) == 4
        assert reserved(service.gate) == ids


def test_sec_41_a_runner_that_comes_back_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "apisix.sock"
    with ApisixWorker(path) as worker:
        for _ in range(3):
            assert worker.handle(request()).answered.status == 503
            with running_apisix_server(ScriptedGate(), ApisixDoor(path)):
                for _ in range(2):
                    assert isinstance(worker.handle(request()).result, Proxied)


def test_sec_41_garbage_harms_nobody_else(service: ApisixService) -> None:
    random_bytes = random.Random(7).randbytes  # noqa: S311 - the same bytes in every run
    done = threading.Event()

    def talk() -> None:
        while not done.is_set():
            with suppress(OSError), connect(service.socket) as stranger:
                stranger.sendall(random_bytes(200))

    with ThreadPoolExecutor(2) as strangers:
        talking = [strangers.submit(talk) for _ in range(2)]
        worker = ApisixWorker(service.socket, transcript=False)
        try:
            for _ in range(100):
                assert check_decided(worker.handle(request()))
        finally:
            done.set()
        for one in talking:
            one.result()
        worker.close()


def test_sec_41_what_cannot_be_read_is_closed_slower_each_time(service: ApisixService) -> None:
    def seconds_until_closed() -> float:
        with connect(service.socket) as stranger:
            stranger.settimeout(5.0)
            stranger.sendall(b"\x09\x00\x00\x00")
            start = time.monotonic()
            assert stranger.recv(1) == b""
            return time.monotonic() - start

    delays = [seconds_until_closed() for _ in range(4)]
    assert delays == sorted(delays)


def said(connection: socket.socket) -> list[Message]:
    """Return the next thing that the runner says."""
    octets = b""
    while len(octets) < 4 or len(octets) < 4 + int.from_bytes(octets[1:4]):
        more = connection.recv(65536)
        assert more
        octets += more
    return said_in(octets)


@pytest.mark.parametrize("late", [extra(TARGET), extra(None), bytes((EXTRA, 0, 0, 1, 255))])
def test_sec_41_a_late_answer_does_not_confuse_the_next_call(tmp_path: Path, late: bytes) -> None:
    gate = ScriptedGate()
    door = ApisixDoor(tmp_path / "apisix.sock", deadline_seconds=0.05)
    with running_apisix_server(gate, door), connect(tmp_path / "apisix.sock") as apisix:
        apisix.settimeout(5.0)
        apisix.sendall(call(path=b"/v1/first"))
        assert asked_in(said(apisix)) == b"real_request_uri"
        assert refused(said(apisix)) is Reason.DEADLINE
        apisix.sendall(late)
        for answer, path in ((refuse_for(Reason.NO_TOKEN), b"/v1/second"), (PASS, b"/v1/third")):
            gate.answer = answer
            apisix.sendall(call(path=path))
            assert asked_in(said(apisix)) == b"real_request_uri"
            apisix.sendall(extra(path))
            if answer is PASS:
                assert rewrite_in(said(apisix))
            else:
                assert refused(said(apisix)) is Reason.NO_TOKEN
    assert [asked.target for asked in gate.requests] == [b"/v1/second", b"/v1/third"]
