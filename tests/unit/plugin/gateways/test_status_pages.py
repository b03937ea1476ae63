"""What readers are told about the service, and strangers are not."""

import json
from collections.abc import Callable

import pytest
from starlette.types import ASGIApp

from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.status_door import status_app
from gatepass.plugin.outage import OutageStatus
from gatepass.plugin.settings.compiled import StatusDoor
from gatepass.plugin.settings.values import to_address
from support.asgi import Exchange, exchange, http_scope
from support.doors import LOOPBACK, Bounds, ScriptedDecider
from support.watched import ASKED, AWAY, GOOD, STALE, ScriptedWatched

Make = Callable[[ScriptedWatched], ASGIApp]
READER, STRANGER = ("127.0.0.1", 40000), ("192.0.2.7", 40000)
UNIX = ("/run/status.sock", None)
DETAIL = {"store": True, "issuers": {GOOD.issuer: "fresh", STALE.issuer: "stale"}}


def door(watched: ScriptedWatched) -> ASGIApp:
    return decision_app(ScriptedDecider(), Bounds(), watched=watched)


def monitoring(watched: ScriptedWatched) -> ASGIApp:
    return status_app(watched, StatusDoor(to_address("127.0.0.1:0"), LOOPBACK))


APPS = pytest.mark.parametrize("app", [door, monitoring])


async def page(app: ASGIApp, target: bytes, *headers: bytes, **scope: object) -> Exchange:
    asked = http_scope("GET", target, [(name, b"x") for name in headers])
    done = await exchange(app, {**asked, "client": READER, **scope})
    assert done.values(b"cache-control") == [b"no-store"]
    return done


@APPS
async def test_a_reader_is_told_what_readiness_hangs_on(app: Make) -> None:
    done = await page(app(ScriptedWatched(GOOD, STALE)), b"/readyz")
    assert (done.status, json.loads(done.body)) == (200, {"ready": True, **DETAIL})
    done = await page(app(ScriptedWatched(AWAY, store=False)), b"/readyz")
    causes = {"ready": False, "store": False, "issuers": {AWAY.issuer: "none"}}
    assert (done.status, json.loads(done.body)) == (503, causes)


@APPS
async def test_sec_41_a_reader_is_told_that_it_serves_without_its_store(app: Make) -> None:
    watched = ScriptedWatched(GOOD, store=False)
    watched.without_store = OutageStatus(serves=True, open_profiles=("status",))
    done = await page(app(watched), b"/readyz")
    assert (done.status, json.loads(done.body)) == (
        200,
        {
            "ready": True,
            "store": False,
            "issuers": {GOOD.issuer: "fresh"},
            "without_store": {"open_profiles": ["status"]},
        },
    )
    hidden = await page(app(watched), b"/readyz", client=STRANGER)
    assert (hidden.status, json.loads(hidden.body)) == (200, {"ready": True})


@APPS
async def test_a_reader_is_told_everything(app: Make) -> None:
    done = await page(app(ScriptedWatched(STALE, introspections=[ASKED])), b"/issuers")
    assert (done.status, done.values(b"content-type")) == (200, [b"application/json"])
    told = json.loads(done.body)
    assert (told["ready"], told["store"]) == (True, True)
    assert told["issuers"][0]["key_ids"] == ["kid-canary", None]
    assert told["issuers"][0]["skipped"] == {"private": 1, "unsupported": 2}
    assert told["introspections"][0]["held_back"] == 4


@APPS
async def test_a_unix_socket_is_for_whoever_may_open_it(app: Make) -> None:
    done = await page(app(ScriptedWatched(GOOD)), b"/issuers", client=None, server=UNIX)
    assert done.status == 200


async def test_the_door_of_the_gateways_has_no_metrics() -> None:
    assert (await page(door(ScriptedWatched(GOOD)), b"/metrics")).status == 404


STRANGERS = pytest.mark.parametrize(
    ("client", "header"),
    [
        (STRANGER, ()),
        (None, ()),
        (READER, (b"x-forwarded-for",)),
        (READER, (b"forwarded",)),
        (READER, (b"via",)),
        (READER, (b"x-real-ip",)),
    ],
)


@APPS
@STRANGERS
async def test_sec_60_a_stranger_and_whoever_stands_behind_a_proxy_learns_yes_or_no(
    app: Make, client: tuple[str, int] | None, header: tuple[bytes, ...]
) -> None:
    asked = app(ScriptedWatched(GOOD, AWAY))
    done = await page(asked, b"/readyz", *header, client=client)
    assert (done.status, json.loads(done.body)) == (503, {"ready": False})
    for target in (b"/issuers", b"/metrics"):
        done = await page(asked, target, *header, client=client)
        assert (done.status, json.loads(done.body)) == (404, {"status": 404})


@APPS
@pytest.mark.parametrize("target", [b"/readyz", b"/issuers"])
async def test_sec_60_a_page_that_fails_says_nothing(
    app: Make, target: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    watched = ScriptedWatched()
    watched.statuses = RuntimeError("canary")
    done = await page(app(watched), target)
    assert (done.status, json.loads(done.body)) == (503, {"status": 503})
    assert [line.__dict__["fault"] for line in caplog.records] == ["RuntimeError"]
    assert "canary" not in caplog.text
