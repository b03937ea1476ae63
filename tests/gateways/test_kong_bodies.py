"""Bodies, bytes and header lists of every kind, from a Kong that is played to the decision."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.gatepass_service import bearer
from support.gateway_table import CHAT, chat
from support.kong.request import ClientRequest, KongSettings
from support.kong.results import Proxied
from support.kong.worker import KongWorker, Protocol
from support.kong_door import KongService, ScriptedGate
from support.kong_requests import HOST, check_decided, code_of, scripted_kong, two_profiles

LIMIT = KongDoor(Path("/nowhere")).max_body_bytes
IN_MEMORY = KongSettings(client_body_buffer_size=2 * LIMIT)


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


@pytest.mark.parametrize("protocol", ["ProtoBuf:1", "MsgPack:1"])
@pytest.mark.parametrize("chunked", [False, True])
def test_sec_58_a_body_of_the_limit_itself_that_kong_holds_in_memory_is_judged(
    service: KongService, protocol: Protocol, *, chunked: bool
) -> None:
    """It comes in one frame, which is larger than the body."""

    def status(size: int) -> int:
        body = chat().ljust(size)
        framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))
        headers = (HOST, ("Authorization", bearer()), framing)
        exchange = worker.handle(ClientRequest("POST", CHAT, headers, body))
        if isinstance(exchange.result, Proxied):
            assert check_decided(exchange)
            return 200
        assert exchange.attempts == 1
        assert not exchange.result.from_plugin or code_of(exchange) == "body_too_large"
        return exchange.result.status

    # with MsgPack, a Kong that is asked for too long a body fails by itself
    above = 500 if chunked and protocol == "MsgPack:1" else 413
    with KongWorker(service.socket, protocol=protocol, settings=IN_MEMORY) as worker:
        sizes = [LIMIT, LIMIT + 1, LIMIT - 1, LIMIT + 100]
        assert [status(size) for size in sizes] == [200, above, 200, above]


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
