"""The same table through a real APISIX: `make test-apisix APISIX=/path/to/apisix`."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from support.apisix_door import ApisixService, running_apisix_service
from support.apisix_real import AUTHORIZATION, doors, running_real_apisix
from support.echo import EchoUpstream, echo_upstream
from support.gateway_cases import Case, Gateway, check, own
from support.gateway_checks import (
    check_chunked_body,
    check_no_websocket,
    check_sec_41_without_a_socket,
)
from support.gateway_table import TABLE, TOKEN
from support.raw_http import ask
from support.servers import FolderFactory, wait_until

APISIX = os.environ.get("GATEPASS_APISIX", "")
pytestmark = pytest.mark.skipif(
    not APISIX,
    reason="A REAL APISIX IS NOT TESTED HERE: make test-apisix APISIX=/path/to/apisix",
)

TOO_LARGE = frozenset({"a_body_too_large", "a_body_far_too_large"})
"""With the printed client_max_body_size APISIX refuses these before it asks anybody."""


@pytest.fixture(scope="module")
def desk() -> Iterator[EchoUpstream]:
    """Stand where usage is reported, and note what comes."""
    with echo_upstream() as running:
        yield running


@pytest.fixture(scope="module")
def apisix_service(folders: FolderFactory, desk: EchoUpstream) -> Iterator[ApisixService]:
    folder = folders()
    with running_apisix_service(folder, doors=doors(folder, desk.port)) as served:
        served.socket.chmod(0o777)  # APISIX's workers may be another account here
        yield served
        assert served.faults == 0


@pytest.fixture(scope="module")
def gateway(
    folders: FolderFactory, apisix_service: ApisixService, upstream: EchoUpstream
) -> Iterator[Gateway]:
    settings = apisix_service.socket.with_name("gatepass.yaml")
    upstream.received.clear()
    with running_real_apisix(APISIX, folders(), settings, upstream.port) as port:
        assert upstream.received == []  # the first request has id 0, and is judged like any other
        yield Gateway("apisix", port, apisix_service, upstream)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_shared_table(gateway: Gateway, case: Case) -> None:
    if case.name in TOO_LARGE:
        case = replace(case, but={**case.but, "apisix": own(413)})
    check(gateway, case)


def test_sec_57_a_chunked_body_is_judged(gateway: Gateway) -> None:
    check_chunked_body(gateway)


def test_a_websocket_is_not_opened(gateway: Gateway) -> None:
    check_no_websocket(gateway, status=400)


def test_sec_41_a_runner_that_is_gone_lets_nothing_through(gateway: Gateway) -> None:
    assert isinstance(gateway.service, ApisixService)
    check_sec_41_without_a_socket(gateway, gateway.service.socket, dead=503)


def test_only_a_call_that_was_let_through_is_reported_by_its_id(
    gateway: Gateway, desk: EchoUpstream
) -> None:
    assert isinstance(gateway.service, ApisixService)
    ask(gateway.port, "GET", "/v1/models", (("X-Gatepass-Request", "forged"),))
    check(gateway, Case("reported", headers=(TOKEN,)))
    request_id = gateway.service.asked.decisions[-1].request_id
    wait_until(lambda: request_id in [record.get("request_id") for record in reported(desk)])
    for record in reported(desk):
        assert str(record["status"]) == "200" or not record.get("request_id")
    for report in desk.received:
        assert (report.method, report.target) == ("POST", "/usage")
        assert report.values("authorization") == [AUTHORIZATION]


def reported(desk: EchoUpstream) -> Sequence[dict[str, object]]:
    """Return the records of all reports so far."""
    return [record for report in desk.received for record in json.loads(report.body)]
