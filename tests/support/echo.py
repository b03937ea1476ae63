"""An upstream that notes every request exactly as it arrived, and answers 200."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from support.raw_http import RawRequest, read_request


class EchoUpstream(socketserver.ThreadingTCPServer):
    """`received` holds the requests in the order of their arrival."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.received: list[RawRequest] = []

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        upstream = cast("EchoUpstream", self.server)
        try:
            while (request := read_request(self.rfile)) is not None:
                upstream.received.append(request)
                self.wfile.write(_reply(request))
        except (OSError, ValueError):
            pass  # the proxy hung up in the middle; what had arrived is noted


def _reply(request: RawRequest) -> bytes:
    body = json.dumps({"target": request.target, "headers": request.headers}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + (b"" if request.method == "HEAD" else body)


@contextmanager
def echo_upstream() -> Iterator[EchoUpstream]:
    """Run an echo upstream for the length of the block."""
    with EchoUpstream() as upstream:
        thread = threading.Thread(target=upstream.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield upstream
        upstream.shutdown()
        thread.join()
