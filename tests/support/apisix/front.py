"""HTTP before an ApisixWorker: a port of 127.0.0.1 that behaves as APISIX's does.

Every connection carries one request. What nginx refuses gets an answer here, and the worker never
hears of it; the rest goes through the worker, and to the upstream when that lets it pass.
"""

import io
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import cast

from support.apisix.pages import NGINX, page
from support.apisix.request import ClientRequest
from support.apisix.results import Answered, UpstreamDown
from support.apisix.worker import ApisixWorker
from support.kong import nginx
from support.kong.results import UpstreamReply
from support.raw_http import NoReply, RawRequest, exchange

_SHORT = 0.01
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade"})
_SPACE = re.compile(rb"[\x00-\x20\x7f]")


class ApisixFront(socketserver.ThreadingTCPServer):
    """APISIX's port for clients."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, worker: ApisixWorker, upstream_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self._worker = worker
        self._upstream_port = upstream_port
        self.faults: list[BaseException] = []
        """What went wrong in the simulator itself."""

    @property
    def port(self) -> int:
        return self.server_address[1]

    def answer(self, request: ClientRequest) -> Answered:
        """Take a request through the worker and return what the client gets."""
        try:
            return self._worker.handle(request, self._ask_upstream).response
        except BaseException as error:
            self.faults.append(error)
            raise

    def _ask_upstream(self, request: RawRequest) -> UpstreamReply:
        lines = [f"{request.method} {request.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers]
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        try:
            reply = exchange(self._upstream_port, head + request.body, request.method)
        except (NoReply, OSError) as error:
            raise UpstreamDown from error
        kept = [(name, value) for name, value in reply.headers if name.lower() not in _HOP_BY_HOP]
        return UpstreamReply(reply.status, tuple(kept), reply.body)


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        front = cast("ApisixFront", self.server)
        try:
            request = read_request(self.rfile, self.client_address[0], self._say_continue)
            if request is None:
                return
            answered = front.answer(request)
        except nginx.Refused as refusal:
            answered = page(refusal.status, NGINX)
        except OSError:
            return  # the client hung up in the middle
        if answered.status:
            with suppress(OSError):
                self.wfile.write(_as_octets(answered))

    def _say_continue(self) -> None:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def read_request(
    stream: io.BufferedIOBase, peer: str, say_continue: Callable[[], None]
) -> ClientRequest | None:
    """Read a request, or None at the end of the connection. Raises Refused.

    The nginx of APISIX takes what that of Kong takes, but it refuses a space in the name of a
    header where the other drops the header.
    """
    return nginx.read_request(_Strict(stream), peer, say_continue)


class _Strict(io.BufferedIOBase):
    """A stream that refuses a header whose name has a space in it."""

    def __init__(self, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._headers_left = True
        self._is_first = True

    def read(self, size: int | None = -1, /) -> bytes:
        return self._stream.read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        line = self._stream.readline(-1 if size is None else size)
        name = line.partition(b":")[0].strip(b"\r\n")
        if self._headers_left and not self._is_first and _SPACE.search(name):
            raise nginx.Refused(400)
        self._headers_left = self._headers_left and bool(name)
        self._is_first = False
        return line


def _as_octets(answered: Answered) -> bytes:
    lines = [f"HTTP/1.1 {answered.status} -"]
    own = {"transfer-encoding", "connection"}
    lines += [f"{name}: {value}" for name, value in answered.headers if name.lower() not in own]
    if not any(name.lower() == "content-length" for name, _ in answered.headers):
        lines.append(f"Content-Length: {len(answered.body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + answered.body


@contextmanager
def run_apisix_front(worker: ApisixWorker, upstream_port: int) -> Iterator[int]:
    """Run APISIX's port and give its number; what failed in the simulator fails the test."""
    with ApisixFront(worker, upstream_port) as front:
        thread = threading.Thread(target=front.serve_forever, args=(_SHORT,), daemon=True)
        thread.start()
        try:
            yield front.port
        finally:
            front.shutdown()
            thread.join()
            worker.close()
        assert front.faults == []
