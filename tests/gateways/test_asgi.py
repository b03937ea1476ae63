"""The ASGI middleware behind a real uvicorn, with the shared table and as examples/asgi runs it."""

import json
import shutil
import sys
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from gatepass.plugin.gateways.asgi import GatepassMiddleware
from gatepass.plugin.gateways.bodies import read_body
from gatepass.plugin.gateways.listener import Address
from support.doors import LoopThread, serving
from support.gatepass_service import KEY, Service, bearer
from support.gateway_cases import Case, Gateway, check, error_code
from support.gateway_checks import check_chunked_body, check_usage_settles
from support.gateway_table import TABLE
from support.gateways import EXAMPLES
from support.raw_http import RawRequest, ask
from support.servers import FolderFactory, free_port, running
from support.tokens import key_set


class EchoApplication:
    """An ASGI application that notes every request as it arrived, and answers 200."""

    def __init__(self) -> None:
        self.received: list[RawRequest] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive, 1 << 30, [])
        query: bytes = scope["query_string"]
        target: bytes = scope["raw_path"] + (b"?" + query if query else b"")
        headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"])
        assert isinstance(body, bytes)
        self.received.append(RawRequest(scope["method"], target.decode(), headers, body))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})


@pytest.fixture(scope="module")
def gateway(service: Service) -> Iterator[Gateway]:
    application = EchoApplication()
    guarded = GatepassMiddleware(application, service.asked)
    loop = LoopThread()
    try:
        with serving(guarded, Address("127.0.0.1", 0), loop) as address:
            yield Gateway("asgi", address.port, service, application)
    finally:
        loop.close()
    assert guarded.faults == 0


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_shared_table(gateway: Gateway, case: Case) -> None:
    check(gateway, case)


def test_what_a_call_used_can_be_reported_by_its_id(gateway: Gateway, service: Service) -> None:
    check_usage_settles(gateway, service)


def test_sec_57_a_chunked_body_is_judged(gateway: Gateway) -> None:
    check_chunked_body(gateway)


def test_the_example_serves(folders: FolderFactory) -> None:
    folder, port = folders(), free_port()
    for source in (EXAMPLES / "asgi").iterdir():
        shutil.copy(source, folder)
    (folder / "keys.json").write_bytes(key_set(KEY))
    program = folder / "service.py"
    program.write_text(program.read_text().replace("8080", str(port)))

    def answers() -> bool:
        return error_code(ask(port, "GET", "/v1/models")) == "no_token"

    with running([sys.executable, program], folder, answers):
        reply = ask(port, "GET", "/v1/models", [("Authorization", bearer())])
        assert reply.status == 200
        assert json.loads(reply.body) == {
            "user": "alice",
            "issuer": "https://idp.example",
            "role": "internal_user",
        }
        denied = ask(port, "GET", "/key/info", [("Authorization", bearer())])
        assert (denied.status, error_code(denied)) == (403, "route_denied")
