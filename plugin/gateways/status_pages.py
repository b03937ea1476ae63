"""The pages for those who run the service: why it is not ready, and how the issuers' keys stand.

`/readyz` is 200 or 503; a reader is told what that hangs on, `/issuers` tells a reader everything.
Rules: a reader asks from a configured network, and for itself: where a header says that somebody
else's request is passed on, it is a stranger's. To a stranger `/readyz` says yes or no, and the
other pages do not exist. What nobody expected is logged by its type alone, and answered with 503.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from gatepass.plugin.gateways.peers import Network, TrustedProxies
from gatepass.plugin.telemetry.health import Health, Watched, health_of, key_state

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

    Page = Callable[[Request], Awaitable[Response]]

_log = logging.getLogger("gatepass.gateways")

ISSUERS_PATH = "/issuers"
_NO_STORE = {"cache-control": "no-store"}
_PASSED_ON = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})


class Readers:
    """Those who may know how the service fares."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._peers = TrustedProxies(networks)

    def include(self, scope: "Scope") -> bool:
        """Tell whether a reader asks, and for itself."""
        names = {name for name, _ in scope["headers"]}
        return self._peers.include(scope) and names.isdisjoint(_PASSED_ON)


def status_routes(watched: Watched, readers: Readers) -> list[Route]:
    """Return `/readyz` and `/issuers`."""

    async def readyz(request: "Request") -> Response:
        health = await health_of(watched)
        told = _causes(health) if readers.include(request.scope) else {}
        return _document({"ready": health.ready, **told}, 200 if health.ready else 503)

    async def issuers(_request: "Request") -> Response:
        return _document(await health_of(watched))

    return [Route("/readyz", _safe(readyz)), Route(ISSUERS_PATH, for_readers(readers, issuers))]


def for_readers(readers: Readers, page: "Page") -> "Page":
    """Return the page as readers see it; for strangers there is none."""

    async def shown(request: "Request") -> Response:
        if not readers.include(request.scope):
            raise HTTPException(404)
        return await page(request)

    return _safe(shown)


def _safe(page: "Page") -> "Page":
    async def shown(request: "Request") -> Response:
        try:
            return await page(request)
        except HTTPException:
            raise
        except Exception as bug:  # noqa: BLE001 - the outermost handler: a traceback shows values
            _log.error("a page failed", extra={"fault": type(bug).__name__})
            return _document({"status": 503}, 503)

    return shown


def _causes(health: Health) -> dict[str, object]:
    states = {status.issuer: key_state(status) for status in health.issuers}
    told: dict[str, object] = {"store": health.store, "issuers": states}
    if not health.store and health.outage.serves:
        told["without_store"] = {"open_profiles": health.outage.open_profiles}
    return told


def _document(content: object, status: int = 200) -> Response:
    body = msgspec.json.encode(content, enc_hook=dict)  # what is read-only is a mapping
    return Response(body, status, headers=_NO_STORE, media_type="application/json")
