"""The four servers of the tour, on free ports of 127.0.0.1 with all their files in one folder.

client -> Envoy -> upstream          what the tour asks, and what comes through
            |
            +-> gatepass serve       every request is judged here
                   |
                   +-> provider      discovery and keys; SQLite lies beside it
"""

import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gatepass.plugin.demo import envoy
from gatepass.plugin.demo.processes import Child, Children, free_ports
from gatepass.plugin.demo.provider import SECRET_VARIABLE
from gatepass.plugin.demo.settings import DATABASE, write_settings

Progress = Callable[[str], None]
"""Is told what is being done, for people who wait."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where everything is; `secret` is that of the provider's machine clients."""

    gateway: str
    issuer: str
    service: str
    upstream: str
    settings: Path
    database: Path
    secret: str
    children: tuple[Child, ...]


def start_servers(children: Children, folder: Path, progress: Progress) -> Servers:
    """Start all four and return when every one of them answers.

    Raises:
        ServerFailed: one of them did not come up.

    """
    provider_port, upstream_port, service_port, gateway_port = free_ports(4)
    issuer = f"http://127.0.0.1:{provider_port}"
    upstream_url = f"http://127.0.0.1:{upstream_port}"
    service_url = f"http://127.0.0.1:{service_port}"
    gateway_url = f"http://127.0.0.1:{gateway_port}"
    settings, envoy_settings = folder / "gatepass.yaml", folder / "envoy.yaml"
    write_settings(settings, issuer=issuer, port=service_port)
    envoy.write_configuration(
        envoy_settings, gateway=gateway_port, service=service_port, upstream=upstream_port
    )
    secret = secrets.token_urlsafe(18)

    progress("starting the identity provider, the upstream and Envoy")
    provider = children.start(
        "provider", _module("demo.provider", provider_port), {SECRET_VARIABLE: secret}
    )
    upstream = children.start("upstream", _module("demo.upstream", upstream_port))
    gateway = children.start("envoy", envoy.command(envoy_settings))
    provider.wait_until_answers(f"{issuer}/.well-known/openid-configuration")

    progress("starting gatepass serve")
    serve = [sys.executable, "-m", "gatepass.plugin", "serve", "-c", str(settings)]
    service = children.start("gatepass", serve)
    upstream.wait_until_answers(upstream_url)
    service.wait_until_answers(f"{service_url}/readyz")
    # without a token any answer of the gateway is a refusal, and all that counts is that it came
    gateway.wait_until_answers(gateway_url, statuses=range(200, 600))
    return Servers(
        gateway=gateway_url,
        issuer=issuer,
        service=service_url,
        upstream=upstream_url,
        settings=settings,
        database=folder / DATABASE,
        secret=secret,
        children=(provider, upstream, gateway, service),
    )


def _module(name: str, port: int) -> list[str]:
    return [sys.executable, "-m", f"gatepass.plugin.{name}", "--port", str(port)]
