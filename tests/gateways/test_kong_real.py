"""The same table through a real Kong: `make test-kong KONG=/path/to/kong`."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.declarative import Surroundings, declare
from gatepass.plugin.gateways.upstreams import Service
from support.echo import EchoUpstream
from support.gateway_cases import Case, Gateway, check
from support.gateway_checks import check_chunked_body, check_sec_41_without_a_socket
from support.gateway_table import TABLE
from support.kong_door import KongService, running_kong_service
from support.raw_http import NoReply, ask
from support.servers import FolderFactory, free_port, running

KONG = os.environ.get("GATEPASS_KONG", "")
pytestmark = pytest.mark.skipif(
    not KONG, reason="A REAL KONG IS NOT TESTED HERE: make test-kong KONG=/path/to/kong"
)


@pytest.fixture(scope="module")
def kong_service(folders: FolderFactory) -> Iterator[KongService]:
    with running_kong_service(folders()) as served:
        served.socket.chmod(0o777)  # Kong's workers may be another account here
        yield served
        assert served.faults == 0


@pytest.fixture(scope="module")
def gateway(
    folders: FolderFactory, kong_service: KongService, upstream: EchoUpstream
) -> Iterator[Gateway]:
    folder, port = folders(), free_port()
    with running(
        [KONG, "start"],
        folder,
        lambda: _answers(port),
        environ=_environment(folder, port, kong_service.socket, upstream.port),
    ):
        yield Gateway("kong", port, kong_service, upstream)


def _answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/v1/models").status == 401
    except NoReply:
        return False


def _environment(folder: Path, port: int, socket: Path, upstream_port: int) -> dict[str, str]:
    """Return kong.conf as environment, with what `gatepass kong config` prints beside it."""
    around = Surroundings(KongDoor(socket), folder / "gatepass.yaml", Path(sys.executable))
    service = Service("llm", f"http://127.0.0.1:{upstream_port}", ("/",))
    (folder / "kong.yml").write_text(declare([service], "default", around))
    dump = folder / "dump"
    dump.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gatepass.plugin kong --dump\n')
    dump.chmod(0o755)
    return {
        "KONG_DATABASE": "off",
        "KONG_DECLARATIVE_CONFIG": str(folder / "kong.yml"),
        "KONG_PREFIX": str(folder / "prefix"),
        "KONG_NGINX_DAEMON": "off",
        "KONG_NGINX_WORKER_PROCESSES": "1",
        "KONG_PROXY_LISTEN": f"127.0.0.1:{port}",
        "KONG_ADMIN_LISTEN": "off",
        "KONG_PLUGINS": "bundled,gatepass",
        "KONG_PLUGINSERVER_NAMES": "gatepass",
        "KONG_PLUGINSERVER_GATEPASS_SOCKET": str(socket),
        "KONG_PLUGINSERVER_GATEPASS_QUERY_CMD": str(dump),
        "KONG_NGINX_HTTP_LUA_SOCKET_READ_TIMEOUT": "5s",
        "KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE": "1024k",
    }


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_shared_table(gateway: Gateway, case: Case) -> None:
    check(gateway, case)


def test_sec_57_a_chunked_body_is_judged(gateway: Gateway) -> None:
    check_chunked_body(gateway)


def test_sec_41_a_server_that_is_gone_lets_nothing_through(gateway: Gateway) -> None:
    assert isinstance(gateway.service, KongService)
    check_sec_41_without_a_socket(gateway, gateway.service.socket, dead=500)
