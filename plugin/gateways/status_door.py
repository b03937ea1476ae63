"""A door for those who watch the service, apart from the gateways: no decision is made here.

`/healthz`, and to the readers that the settings name `/readyz`, `/issuers` and `/metrics`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from gatepass.plugin.gateways.pages import alive_route, without_pages
from gatepass.plugin.gateways.peers import Network
from gatepass.plugin.gateways.status_pages import Readers, for_readers, status_routes
from gatepass.plugin.telemetry.health import Watched, health_of

if TYPE_CHECKING:
    from starlette.requests import Request


class ReaderBounds(Protocol):
    """Who may read; the settings' status door is one."""

    @property
    def readers(self) -> Sequence[Network]:
        """Return the networks from which it may be read."""
        ...


def status_app(watched: Watched, bounds: ReaderBounds) -> Starlette:
    """Return the application of the door."""
    from gatepass.plugin.telemetry.metrics import (  # noqa: PLC0415 - only who has this door pays
        CONTENT_TYPE,
        exposition,
    )

    readers = Readers(bounds.readers)

    async def metrics(_request: "Request") -> Response:
        health = await health_of(watched)
        headers = {"content-type": CONTENT_TYPE, "cache-control": "no-store"}
        return Response(exposition(health), headers=headers)

    pages = [
        alive_route(),
        *status_routes(watched, readers),
        Route("/metrics", for_readers(readers, metrics)),
    ]
    return without_pages(pages)
