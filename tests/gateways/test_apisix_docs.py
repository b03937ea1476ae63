"""The requests of docs/gateways/apisix.md, through an APISIX that is played from recordings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.apisix.front import run_apisix_front
from support.apisix.worker import ApisixWorker
from support.apisix_door import running_apisix_service
from support.documented import check_documented
from support.echo import EchoUpstream
from support.gateway_cases import Gateway


@pytest.fixture
def gateway(tmp_path: Path, upstream: EchoUpstream) -> Iterator[Gateway]:
    with running_apisix_service(tmp_path) as service:
        with run_apisix_front(ApisixWorker(service.socket), upstream.port) as port:
            yield Gateway("apisix", port, service, upstream)
        assert service.faults == 0


@pytest.mark.parametrize("number", [0, 1])
def test_the_requests_of_the_documentation_get_their_answers(gateway: Gateway, number: int) -> None:
    check_documented(gateway, "apisix.md", number)
