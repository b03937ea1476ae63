"""Connections that are cut, events that come twice, and strangers who talk garbage."""

import random
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from support.books import counted
from support.kong.worker import Exchange, KongWorker, Protocol
from support.kong_door import KongService
from support.kong_relay import relayed
from support.kong_requests import check_decided, has_our_marker, request, two_profiles
from support.relay import Relay


@pytest.fixture
def service(tmp_path: Path) -> Iterator[KongService]:
    with two_profiles(tmp_path) as running:
        yield running


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
    held = {f"v1:{request_id}" for request_id in counted(service.gate)}
    assert upstream <= held
    assert len(held) <= messages + 1


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
