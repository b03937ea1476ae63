"""The demo's own servers, in threads of the test process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from werkzeug.serving import BaseWSGIServer

from gatepass.plugin.demo.sign_in import IdentityProvider
from gatepass.plugin.demo.upstream import Upstream


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
