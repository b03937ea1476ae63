"""A small OpenAI-shaped upstream that remembers what reached it; a process of its own.

    python -m gatepass.plugin.demo.upstream --port 8702

Chat completions are answered with `usage`, every other route with a plain sentence. GET /demo/seen,
asked directly and not through the gateway, hands out the requests that came since it was asked
last: so the tour can show that a refused request never arrived, and which headers did.
"""

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SEEN_PATH = "/demo/seen"


class Upstream(ThreadingHTTPServer):
    """The server with its memory of requests."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._lock = threading.Lock()
        self._seen: list[dict[str, object]] = []

    def remember(self, method: str, path: str, headers: list[tuple[str, str]]) -> None:
        """Note a request; repeated headers are kept, in their order."""
        with self._lock:
            self._seen.append({"method": method, "path": path, "headers": headers})

    def take_seen(self) -> list[dict[str, object]]:
        """Return the requests since the last call, oldest first."""
        with self._lock:
            seen, self._seen = self._seen, []
        return seen


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for an acknowledgement in between
    server: Upstream

    def do_GET(self) -> None:
        """Answer a GET; the memory is handed out but not noted in itself."""
        if self.path == SEEN_PATH:
            self._answer({"requests": self.server.take_seen()})
        else:
            self._serve()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._serve()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Stay quiet: the tour says what happened."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        path = self.path.partition("?")[0]
        self.server.remember(self.command, path, list(self.headers.items()))
        if path == "/v1/chat/completions":
            self._answer(_completion(body))
        else:
            self._answer({"object": "demo.answer", "text": "The upstream answers here."})

    def _answer(self, document: dict[str, object]) -> None:
        octets = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)


def _completion(body: bytes) -> dict[str, object]:
    """Return a chat completion in OpenAI's shape, with a usage that depends on the request."""
    answer = "Hello from behind the gate."
    prompt_tokens, completion_tokens = len(body) // 4, len(answer.split())
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion",
        "created": 0,
        "model": json.loads(body).get("model"),
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": answer},
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="gatepass.plugin.demo.upstream")
    parser.add_argument("--port", type=int, required=True)
    Upstream(parser.parse_args().port).serve_forever()


if __name__ == "__main__":
    main()
