"""A whole deployment: `gatepass serve` as a real process behind the Envoy of examples/."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.echo import EchoUpstream, echo_upstream
from support.gateways import run_envoy
from support.raw_http import RawRequest, Reply, ask
from support.servers import free_port, running

CHAT = "/v1/chat/completions"

_REST = """
stores: {{database: "sqlite:///gatepass.db"}}
doors: {{http: {{listen: "127.0.0.1:{port}"}}}}
"""


@dataclass(frozen=True)
class Deployment:
    """The gateway as a client sees it, and what came through to the upstream."""

    gateway_port: int
    upstream: EchoUpstream

    def chat(self, token: str, model: str = "gpt-4o-mini") -> Reply:
        """Ask for a chat completion."""
        headers = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json")]
        body = json.dumps({"model": model, "max_tokens": 50, "messages": []}).encode()
        self.upstream.received.clear()
        return ask(self.gateway_port, "POST", CHAT, headers, body)

    def passed(self) -> dict[str, str] | None:
        """Return who the upstream was told is calling, or None when nothing reached it."""
        if not self.upstream.received:
            return None
        (request,) = self.upstream.received
        return _identity(request)


def _identity(request: RawRequest) -> dict[str, str]:
    watched = ("x-gatepass-", "authorization")
    return {
        name: value
        for name, value in request.headers
        if name.lower().startswith(watched) and name.lower() != "x-gatepass-request"
    }


def code_of(reply: Reply) -> str:
    """Return the code of a refusal."""
    return str(json.loads(reply.body)["error"]["code"])


@contextmanager
def deployment(folder: Path, settings: str) -> Iterator[Deployment]:
    """Run the settings, which say everything but the store and the door."""
    port = free_port()
    service_folder, gateway_folder = folder / "service", folder / "gateway"
    service_folder.mkdir()
    gateway_folder.mkdir()
    path = service_folder / "gatepass.yaml"
    path.write_text(settings + _REST.format(port=port), encoding="utf-8")
    command = [sys.executable, "-m", "gatepass.plugin", "serve", "-c", str(path)]

    def is_ready() -> bool:
        return ask(port, "GET", "/readyz").status == 200

    with (
        running(command, service_folder, is_ready),
        echo_upstream() as upstream,
        run_envoy(gateway_folder, port, upstream.port) as gateway_port,
    ):
        yield Deployment(gateway_port, upstream)
