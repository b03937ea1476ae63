"""A server that plays a gateway's API: whole answers, one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, cast


class Answering(Protocol):
    """Has an answer to every GET, and notes what it was asked."""

    asked: list[tuple[str, str]]
    headers: list[dict[str, str]]

    def answer(self, target: str) -> bytes:
        """Return the whole answer to a GET."""
        ...


def hello(body: bytes, status: int = 200, **headers: str) -> bytes:
    """Write a whole answer."""
    lines = [f"HTTP/1.1 {status} Scripted", f"content-length: {len(body)}", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Conversation(BaseHTTPRequestHandler):
    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        admin = cast("_Server", self.server).admin
        admin.asked.append((self.command, self.path))
        admin.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.wfile.write(admin.answer(self.path))
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, admin: Answering) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.admin = admin

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a client hang up: it does, when it has seen enough."""


@contextmanager
def serving(admin: Answering) -> Iterator[str]:
    """Run the API for the length of the block, and give its URL."""
    with _Server(admin) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
