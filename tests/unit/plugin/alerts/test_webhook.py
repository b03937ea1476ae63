"""The signed POST: what is in it, and which answers take it."""

import hmac
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from gatepass.plugin.alerts.crossings import Alert
from gatepass.plugin.alerts.webhook import Webhook, signed_headers

SECRET = b"0123456789abcdef0123456789abcdef"
ALERT = Alert("c", 0, "80%", '{"type": "budget.threshold_reached"}')
Got = tuple[dict[str, str], bytes]


@contextmanager
def receiver(*statuses: int) -> Iterator[tuple[str, list[Got]]]:
    """Answer with these statuses, one after the other, and keep what came."""
    got: list[Got] = []
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(left.pop(0))
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_what_is_sent_is_signed() -> None:
    with receiver(204) as (url, got):
        webhook = Webhook(url, SECRET)
        assert await webhook.send(ALERT, 1_763_900_000)
        await webhook.close()
    ((headers, body),) = got
    assert json.loads(body) == {"type": "budget.threshold_reached"}
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == ALERT.alert_id
    signed = f"{ALERT.alert_id}.1763900000.".encode() + body
    expected = b64encode(hmac.new(SECRET, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["webhook-timestamp"] == "1763900000"


@pytest.mark.parametrize(
    ("status", "is_taken"), [(200, True), (202, True), (302, False), (400, False), (503, False)]
)
async def test_which_answers_take_it(status: int, *, is_taken: bool) -> None:
    with receiver(status) as (url, got):
        webhook = Webhook(url, SECRET)
        assert await webhook.send(ALERT, 1) is is_taken
        await webhook.close()
    assert len(got) == 1


async def test_nobody_there_takes_nothing() -> None:
    webhook = Webhook("http://127.0.0.1:1/hook", SECRET)
    assert not await webhook.send(ALERT, 1)
    await webhook.close()


def test_the_time_is_part_of_what_is_signed() -> None:
    first, later = (signed_headers(SECRET, "a", now, b"{}") for now in (1, 2))
    assert first["webhook-signature"] != later["webhook-signature"]
    assert first["webhook-id"] == later["webhook-id"]
