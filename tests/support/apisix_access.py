"""A request to the runner played question by question, with answers as APISIX gives them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from gatepass.plugin.gateways.apisix.access import access
from gatepass.plugin.gateways.apisix.messages import HttpReqCall
from gatepass.plugin.gateways.apisix.questions import Ending, Stop
from gatepass.plugin.gateways.body_waits import BodyWaits
from gatepass.plugin.gateways.decider import Decider, Judge
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason
from support.apisix.messages import Entry
from support.apisix_calls import DOOR, TARGET, Told, play
from support.kong_events import reason_in

QUICK = replace(DOOR, max_body_bytes=1000, deadline_seconds=0.02)
PATIENT = replace(DOOR, max_body_bytes=5000, deadline_seconds=10.0)
PATH, BODY, PROTOCOL = "real_request_uri", "body", "server_protocol"
HEADERS: tuple[Header, ...] = ((b"host", b"h"), (b"x-a", b"\xff\xfe"), (b"x-a", b"2"))
CHUNKED: Header = (b"transfer-encoding", b"chunked")
SHOWN = Told()


async def run(  # noqa: PLR0913 - the parts of a call
    decider: Decider,
    told: Told = SHOWN,
    headers: Sequence[Entry] = HEADERS,
    *,
    method: str = "POST",
    path: bytes = TARGET,
    source_ip: bytes = bytes((192, 0, 2, 7)),
    patient: bool = False,
    waits: BodyWaits | None = None,
) -> tuple[Ending, list[str]]:
    """Play one request; return how it ends and what was asked."""
    call = HttpReqCall(0, source_ip, method, path, list(headers), 1)
    now = asyncio.get_running_loop().time
    door = PATIENT if patient else QUICK
    return await play(access(Judge(decider), door, "team-a", call, now, waits or BodyWaits()), told)


def refused(ending: Ending) -> Reason:
    assert isinstance(ending, Stop)
    return reason_in(ending.status, ending.body)
