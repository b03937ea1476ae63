"""`gatepass jwks status`: how the keys of every issuer stand, in a service or as seen from here.

A running service is asked for what it has in hand; with settings the issuers are asked from here,
as the service would at its start, and nothing is said of opaque tokens or the store.
"""

import asyncio
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.check_keys import ask_issuers
from gatepass.plugin.commands.gateway_api import GatewayApi, Unanswered
from gatepass.plugin.commands.jwks_report import report_on
from gatepass.plugin.gateways.status_pages import ISSUERS_PATH
from gatepass.plugin.settings import compile_settings, load_settings
from gatepass.plugin.telemetry.health import Health

USUAL_ADDRESS = "http://127.0.0.1:8700"

_UNIX = "unix:"
_NOT_FOUND = 404
_STRANGER = (
    "; it tells this only to doors.http.trusted_proxies and doors.status.readers, when they ask "
    "for themselves: ask from there"
)
_NOBODY = "; name the address of a running `gatepass serve`, or settings with -c"


class ServiceApi(GatewayApi):
    """One conversation with a running service."""

    name = "gatepass serve"


def run_jwks_status(url: str | None, config: Path | None, *, as_json: bool) -> int:
    """Print the report and return the exit status: 0 all keys are there and fresh, 1 not so.

    Raises:
        ConfigurationError: the settings or the URL cannot be used, or nobody answers.

    """
    if config is None:
        return report_on(asyncio.run(_asked(url or USUAL_ADDRESS)), as_json=as_json)
    statuses = asyncio.run(ask_issuers(compile_settings(load_settings(config))))
    ready = all(status.key_ids for status in statuses)
    return report_on(
        Health(ready, store=True, issuers=tuple(statuses), introspections=()),
        as_json=as_json,
        of_service=False,
    )


async def _asked(url: str) -> Health:
    socket = None
    if url.startswith(_UNIX):
        socket, base = Path(url.removeprefix(_UNIX)), "http://localhost"
    else:
        base = url
    try:
        async with ServiceApi(base, socket=socket) as service:
            return await service.get(ISSUERS_PATH, Health)
    except Unanswered as failure:
        what_to_do = _STRANGER if failure.status == _NOT_FOUND else _NOBODY
        raise ConfigurationError([f"{url}: {failure}{what_to_do}"]) from failure
