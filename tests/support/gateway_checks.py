"""What is checked at every gateway beside the table."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.books import counters
from support.failing_service import FrailGateway
from support.gatepass_service import USAGE_TOKEN, Service, bearer
from support.gateway_cases import Gateway, error_code, identity_of, request_ids_of
from support.gateway_table import CHAT, chat
from support.raw_http import NoReply, ask, exchange
from support.servers import wait_until

REFUSALS = [reason for reason in Reason if reason is not Reason.ALLOWED]
WEBSOCKET = (
    ("Authorization", bearer()),
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)


def check_refusals(gateway: FrailGateway, *, loses_5xx_bodies: bool = False) -> None:
    """Every refusal of the table arrives at the client as it was said."""
    with gateway.service.alive() as decider:
        for reason in REFUSALS:
            decider.answer = refusal = refuse_for(reason, 17)
            reply = gateway.get()
            assert gateway.upstream.received == []
            assert reply.status == reason.status
            if loses_5xx_bodies and reason.status >= 500:
                assert reply.body == b""
                continue
            assert reply.body == refusal.body
            for name, value in refusal.response_headers:
                assert reply.values(name.decode()) == [value.decode()]


def check_sec_41(gateway: FrailGateway, *, dead: int, late: int, hanging: int | None) -> None:
    """No answer, no way through: never started, killed, late, hanging; and it recovers.

    `hanging` is None for a gateway that waits longer than a test may.
    """
    service = gateway.service
    assert gateway.get_refused() == dead
    with service.alive() as decider:
        gateway.get_allowed()
        decider.answer = None
        assert gateway.get_refused() == late
        decider.answer = LookupError()
    assert gateway.get_refused() == dead
    with service.hanging():
        if hanging is None:
            with pytest.raises(NoReply):
                gateway.get(timeout=0.5)
            assert gateway.upstream.received == []
        else:
            assert gateway.get_refused() == hanging


def check_sec_41_under_load(gateway: FrailGateway, *, dead: int) -> None:
    """Whoever was let through while the service was killed had been allowed; all else is a 5xx."""
    reached = gateway.upstream.received
    reached.clear()
    statuses: list[int] = []
    end = threading.Event()
    with gateway.service.in_a_process() as process, ThreadPoolExecutor(8) as clients:
        asking = [clients.submit(gateway.ask_until, end, statuses) for _ in range(8)]
        try:
            wait_until(lambda: len(reached) > 40)
            process.kill()
            wait_until(lambda: statuses.count(dead) > 40)
        finally:
            end.set()
    for client in asking:
        client.result()
    assert statuses.count(200) == len(reached)
    assert set(statuses) <= {200, dead, 502, 503}


def check_sec_41_without_a_socket(gateway: Gateway, path: Path, *, dead: int) -> None:
    """Where the gateway cannot find our socket, nothing gets through."""
    aside = path.with_name("aside.sock")
    path.rename(aside)
    try:
        for _ in range(20):
            gateway.upstream.received.clear()
            reply = ask(gateway.port, "GET", "/v1/models")
            # 401: a pooled connection may still lead to us
            assert reply.status in {401, dead}
            assert not gateway.upstream.received
    finally:
        aside.rename(path)


def check_usage_settles(gateway: Gateway, service: Service) -> None:
    """Whoever gets the call can report what it used, by the id that the call came with."""
    gateway.upstream.received.clear()
    headers = (("Authorization", bearer(f"{gateway.name}-reporter")),)
    assert ask(gateway.port, "POST", CHAT, headers, chat()).status == 200
    (seen,) = gateway.upstream.received
    (request_id,) = request_ids_of(seen)
    record = {"request_id": request_id, "cost": "0.25"}
    told = {"settled": 1, "already_settled": 0, "unknown": 0, "problems": []}
    for expected in (told, {**told, "settled": 0, "already_settled": 1}):
        reply = ask(
            service.door.port,
            "POST",
            "/usage",
            (("Authorization", f"Bearer {USAGE_TOKEN}"),),
            json.dumps(record).encode(),
        )
        assert json.loads(reply.body) == expected
    names = [name for name in counters(service.gate) if f"{gateway.name}-reporter" in name]
    assert [counters(service.gate)[name].spent for name in names] == [250_000_000]


def check_chunked_body(gateway: Gateway) -> None:
    """A body without a length is judged like any other."""
    for model, status, code in (("gpt-4o", 200, None), ("o3", 403, "model_denied")):
        gateway.upstream.received.clear()
        body = chat(model=model)
        head = f"POST {CHAT} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        head += f"Authorization: {bearer()}\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
        reply = exchange(gateway.port, head.encode() + chunk)
        assert (reply.status, error_code(reply)) == (status, code)
        assert [seen.body for seen in gateway.upstream.received] == ([body] if code is None else [])


def check_no_websocket(gateway: Gateway, *, status: int) -> None:
    """A WebSocket is not opened: what goes over it cannot be judged."""
    gateway.upstream.received.clear()
    lines = "".join(f"{name}: {value}\r\n" for name, value in WEBSOCKET)
    reply = exchange(gateway.port, f"GET /v1/models HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode())
    assert reply.status == status
    for seen in gateway.upstream.received:
        assert seen.values("upgrade") == []
        assert identity_of(seen) == [
            ("x-gatepass-role", "internal_user"),
            ("x-gatepass-user", "alice"),
        ]
