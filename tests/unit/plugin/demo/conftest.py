"""The demo's own servers, for the tests of this folder."""

from collections.abc import Iterator

import httpx
import pytest

from gatepass.plugin.demo.processes import free_ports
from gatepass.plugin.demo.upstream import Upstream
from support.demo import RunningProvider, running_provider, serving


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def upstream() -> Iterator[httpx.Client]:
    (port,) = free_ports(1)
    with (
        serving(Upstream(port)),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        yield client
