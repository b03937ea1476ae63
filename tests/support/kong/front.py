"""HTTP before a KongWorker: a port of 127.0.0.1 that behaves as Kong's proxy does.

Every connection carries one request. What nginx refuses gets an answer here, and the worker never
hears of it; the rest goes through the worker, and to the upstream when that lets it pass.
"""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import cast

from support.kong.nginx import Refused, read_request
from support.kong.request import ClientRequest
from support.kong.results import Shared, UpstreamReply
from support.kong.worker import KongWorker
from support.raw_http import NoReply, RawRequest, exchange

_SHORT = 0.01
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade"})


class KongFront(socketserver.ThreadingTCPServer):
    """Kong's proxy port."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, worker: KongWorker, upstream_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self._worker = worker
        self._upstream_port = upstream_port
        self.faults: list[BaseException] = []
        """What went wrong in the simulator itself, EndlessLoop among it."""

    @property
    def port(self) -> int:
        return self.server_address[1]

    def answer(self, request: ClientRequest) -> UpstreamReply:
        """Take a request through the worker and return what the client gets."""
        try:
            response = self._worker.handle(request, self._ask_upstream).response
        except BaseException as error:
            self.faults.append(error)
            raise
        return UpstreamReply(response.status, response.headers, response.body)

    def _ask_upstream(self, request: RawRequest, _shared: Shared) -> UpstreamReply:
        lines = [f"{request.method} {request.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers]
        if request.body and not request.values("content-length"):
            lines.append(f"Content-Length: {len(request.body)}")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        try:
            reply = exchange(self._upstream_port, head + request.body, request.method)
        except (NoReply, OSError):
            return UpstreamReply(502, (("Content-Length", "0"),))
        kept = [(name, value) for name, value in reply.headers if name.lower() not in _HOP_BY_HOP]
        return UpstreamReply(reply.status, tuple(kept), reply.body)


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        front = cast("KongFront", self.server)
        try:
            request = read_request(self.rfile, self.client_address[0], self._say_continue)
            if request is None:
                return
            reply = front.answer(request)
        except Refused as refusal:
            reply = _own_page(refusal.status)
        except OSError:
            return  # the client hung up in the middle
        with suppress(OSError):
            self.wfile.write(_as_octets(reply))

    def _say_continue(self) -> None:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def _own_page(status: int) -> UpstreamReply:
    body = f"<html><title>{status} {HTTPStatus(status).phrase}</title></html>\n".encode()
    length = ("Content-Length", str(len(body)))
    return UpstreamReply(status, (("Content-Type", "text/html"), length), body)


def _as_octets(reply: UpstreamReply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} -"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if not any(name.lower() == "content-length" for name, _ in reply.headers):
        lines.append(f"Content-Length: {len(reply.body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + reply.body


@contextmanager
def run_kong_front(worker: KongWorker, upstream_port: int) -> Iterator[int]:
    """Run Kong's proxy port and give its number; what failed in the simulator fails the test."""
    with KongFront(worker, upstream_port) as front:
        thread = threading.Thread(target=front.serve_forever, args=(_SHORT,), daemon=True)
        thread.start()
        try:
            yield front.port
        finally:
            front.shutdown()
            thread.join()
            worker.close()
        assert front.faults == []
