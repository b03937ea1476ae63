"""The demo's own servers, in threads of the test process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from werkzeug.serving import BaseWSGIServer, make_server

from gatepass.plugin.demo.processes import free_ports
from gatepass.plugin.demo.provider import create_app
from gatepass.plugin.demo.sign_in import IdentityProvider
from gatepass.plugin.demo.upstream import Upstream

SECRET = "of-this-run"


@dataclass(frozen=True)
class RunningProvider:
    issuer: str
    secret: str
    http: httpx.Client
    client: IdentityProvider


@contextmanager
def serving(server: BaseWSGIServer | Upstream) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running_provider() -> Iterator[RunningProvider]:
    (port,) = free_ports(1)
    issuer = f"http://127.0.0.1:{port}"
    server = make_server("127.0.0.1", port, create_app(issuer, SECRET), threaded=True)
    with serving(server), httpx.Client(trust_env=False) as http:
        yield RunningProvider(issuer, SECRET, http, IdentityProvider(issuer, SECRET, http))
