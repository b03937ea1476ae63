"""Our runner behind an APISIX that is played from recordings of the real one."""

from collections.abc import Iterator

import pytest

from support.apisix.front import run_apisix_front
from support.apisix.worker import ApisixWorker
from support.apisix_door import ApisixService, running_apisix_service
from support.echo import EchoUpstream
from support.gateway_cases import Case, Gateway, check
from support.gateway_checks import check_chunked_body, check_no_websocket
from support.gateway_table import TABLE
from support.servers import FolderFactory


@pytest.fixture(scope="module")
def apisix_service(folders: FolderFactory) -> Iterator[ApisixService]:
    with running_apisix_service(folders()) as running:
        yield running
        assert running.faults == 0


@pytest.fixture(scope="module")
def gateway(apisix_service: ApisixService, upstream: EchoUpstream) -> Iterator[Gateway]:
    worker = ApisixWorker(apisix_service.socket)
    with run_apisix_front(worker, upstream.port) as port:
        yield Gateway("apisix", port, apisix_service, upstream)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_shared_table(gateway: Gateway, case: Case) -> None:
    check(gateway, case)


def test_sec_57_a_chunked_body_is_judged(gateway: Gateway) -> None:
    check_chunked_body(gateway)


def test_a_websocket_is_not_opened(gateway: Gateway) -> None:
    check_no_websocket(gateway, status=400)
