"""Our plugin server behind a Kong that is played from recordings of the real one."""

from collections.abc import Iterator

import pytest

from support.documented import check_documented
from support.echo import EchoUpstream
from support.gateway_cases import Case, Gateway, check
from support.gateway_checks import check_chunked_body
from support.gateway_table import TABLE
from support.kong.front import run_kong_front
from support.kong.worker import KongWorker, Protocol
from support.kong_door import KongService, running_kong_service
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


@pytest.mark.parametrize("number", [0, 1])
def test_the_requests_of_the_documentation_get_their_answers(gateway: Gateway, number: int) -> None:
    check_documented(gateway, "kong.md", number)
