"""The demo's own servers, for the tests of this folder."""

from collections.abc import Iterator

import httpx
import pytest
from werkzeug.serving import make_server

from gatepass.plugin.demo.processes import free_ports
from gatepass.plugin.demo.provider import create_app
from gatepass.plugin.demo.sign_in import IdentityProvider
from gatepass.plugin.demo.upstream import Upstream
from support.demo import RunningProvider, serving

SECRET = "of-this-run"


@pytest.fixture(scope="module")
def provider() -> Iterator[RunningProvider]:
    (port,) = free_ports(1)
    issuer = f"http://127.0.0.1:{port}"
    server = make_server("127.0.0.1", port, create_app(issuer, SECRET), threaded=True)
    with serving(server), httpx.Client(trust_env=False) as http:
        yield RunningProvider(issuer, SECRET, http, IdentityProvider(issuer, SECRET, http))


@pytest.fixture
def upstream() -> Iterator[httpx.Client]:
    (port,) = free_ports(1)
    with (
        serving(Upstream(port)),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        yield client
