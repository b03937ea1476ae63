"""Our plugin server behind a Kong that is played from recordings of the real one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.echo import EchoUpstream
from support.gatepass_service import bearer
from support.gateway_cases import Case, Gateway, check, identity_of
from support.gateway_checks import check_chunked_body
from support.gateway_table import TABLE
from support.kong.front import run_kong_front
from support.kong.worker import KongWorker, Protocol
from support.kong_door import KongService, running_kong_service
from support.raw_http import ask
from support.servers import FolderFactory


@pytest.fixture(scope="module")
def kong_service(folders: FolderFactory) -> Iterator[KongService]:
    with running_kong_service(folders()) as running:
        yield running
        assert running.faults == 0


@pytest.fixture(scope="module", params=["ProtoBuf:1", "MsgPack:1"])
def gateway(
    kong_service: KongService, upstream: EchoUpstream, request: pytest.FixtureRequest
) -> Iterator[Gateway]:
    protocol: Protocol = request.param
    worker = KongWorker(kong_service.socket, protocol=protocol)
    with run_kong_front(worker, upstream.port) as port:
        yield Gateway("kong", port, kong_service, upstream)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_shared_table(gateway: Gateway, case: Case) -> None:
    check(gateway, case)


def test_sec_57_a_chunked_body_is_judged(gateway: Gateway) -> None:
    check_chunked_body(gateway)


DOCS = Path(__file__).resolve().parents[2] / "docs" / "gateways" / "kong.md"


@pytest.mark.parametrize("number", [0, 1])
def test_the_requests_of_the_documentation_get_their_answers(gateway: Gateway, number: int) -> None:
    page = DOCS.read_text(encoding="utf-8")
    url, options, answer = re.findall(
        r"\$ curl -i (\S+)(.*?)\n(.*?)(?=\n    \$|\n\n\S)", page, re.DOTALL
    )[number]
    headers = tuple(
        (name, value.replace("$TOKEN", bearer("ann").removeprefix("Bearer ")))
        for name, value in re.findall(r"-H ['\"](.+?): (.+?)['\"]", options)
    )
    gateway.upstream.received.clear()
    reply = ask(gateway.port, "GET", urlsplit(url).path, headers)
    status, *lines = (line.strip() for line in answer.splitlines())
    assert status.split()[1] == str(reply.status)
    for line in lines:
        name, colon, value = line.partition(": ")
        if line.startswith("{"):
            assert json.loads(line) == json.loads(reply.body)
        elif colon:
            assert reply.values(name.lower()) == [value]
    seen = [identity_of(one) for one in gateway.upstream.received]
    told = [("x-gatepass-role", "internal_user"), ("x-gatepass-user", "ann")]
    assert seen == ([told] if reply.status == 200 else [])
