"""The door for those who watch: its metrics and its readers, and no decision.

What it shares with the HTTP decision service stands in test_status_pages.py.
"""

import json

import pytest

from gatepass.plugin.gateways.peers import Network
from gatepass.plugin.gateways.status_door import status_app
from gatepass.plugin.settings.compiled import StatusDoor
from gatepass.plugin.settings.values import to_address, to_network
from support.asgi import Exchange, exchange, http_scope
from support.doors import LOOPBACK
from support.watched import AWAY, GOOD, ScriptedWatched

READER, STRANGER = ("127.0.0.1", 40000), ("192.0.2.7", 40000)


async def page(
    target: bytes,
    client: tuple[str, int] | None = READER,
    *,
    watched: ScriptedWatched | None = None,
    readers: tuple[Network, ...] = LOOPBACK,
    method: str = "GET",
    **scope: object,
) -> Exchange:
    app = status_app(
        watched or ScriptedWatched(GOOD), StatusDoor(to_address("127.0.0.1:0"), readers)
    )
    return await exchange(app, {**http_scope(method, target), "client": client, **scope})


async def test_a_reader_gets_the_metrics_as_they_are_now() -> None:
    done = await page(b"/metrics")
    assert done.status == 200
    assert done.values(b"content-type") == [b"text/plain; version=0.0.4; charset=utf-8"]
    assert done.values(b"cache-control") == [b"no-store"]
    assert b'gatepass_issuer_keys{issuer="https://good.example"} 2.0' in done.body
    down = await page(b"/metrics", watched=ScriptedWatched(AWAY, store=False))
    assert down.status == 200, "a service that is not ready is watched all the more"
    assert b"gatepass_ready 0.0" in down.body
    assert b"gatepass_store_up 0.0" in down.body


@pytest.mark.parametrize("target", [b"/metrics", b"/issuers"])
async def test_sec_60_readers_are_those_of_this_door(target: bytes) -> None:
    theirs = (to_network("192.0.2.0/24"),)
    assert (await page(target, STRANGER, readers=theirs)).status == 200
    assert (await page(target, READER, readers=theirs)).status == 404
    done = await page(target, STRANGER)
    assert (done.status, json.loads(done.body)) == (404, {"status": 404})


async def test_whoever_may_open_its_unix_socket_is_a_reader() -> None:
    done = await page(b"/metrics", None, server=("/run/status.sock", None), readers=())
    assert done.status == 200


async def test_sec_60_metrics_that_fail_say_nothing(caplog: pytest.LogCaptureFixture) -> None:
    watched = ScriptedWatched()
    watched.statuses = RuntimeError("canary")
    done = await page(b"/metrics", watched=watched)
    assert (done.status, json.loads(done.body)) == (503, {"status": 503})
    assert "canary" not in caplog.text


@pytest.mark.parametrize("client", [READER, STRANGER, None])
async def test_everybody_learns_that_it_lives(client: tuple[str, int] | None) -> None:
    assert (await page(b"/healthz", client)).status == 200


@pytest.mark.parametrize(
    "target",
    [b"/envoy/default/v1/models", b"/denied/no_token", b"/usage", b"/issuers/", b"/docs", b"/"],
)
async def test_it_decides_nothing_and_has_no_other_page(target: bytes) -> None:
    assert (await page(target)).status == 404
    assert (await page(target, method="POST")).status == 404
