"""The access phase played question by question, with answers as Kong gives them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from gatepass.plugin.gateways.body_waits import BodyWaits
from gatepass.plugin.gateways.decider import Decider, Judge
from gatepass.plugin.gateways.kong.access import access
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.calls import Ending, Exit
from gatepass.plugin.reasons import Reason
from support.kong_events import play, reason_in

QUICK = KongDoor(Path("/nowhere"), max_body_bytes=1000, deadline_seconds=0.02)
PATIENT = KongDoor(Path("/nowhere"), max_body_bytes=5000, deadline_seconds=10.0)
HEAD = [
    "kong.request.get_headers",
    "kong.request.get_method",
    "kong.request.get_path_with_query",
    "kong.request.get_path",
    "kong.nginx.get_var",
    "kong.client.get_forwarded_ip",
]
BODY = "kong.request.get_raw_body"
KONG: Mapping[str, object] = {
    "kong.request.get_headers": [(b"host", b"h"), (b"x-a", b"\xff\xfe"), (b"x-a", b"2")],
    "kong.request.get_method": b"POST",
    "kong.request.get_path_with_query": b"/v1/chat/completions?x=%2f",
    "kong.request.get_path": b"/v1/chat/completions",
    "kong.nginx.get_var request_id": b"5f0e",
    "kong.client.get_forwarded_ip": b"192.0.2.7",
    BODY: b"{}",
}


async def run(decider: Decider, door: KongDoor, /, **kong: object) -> tuple[Ending, list[str]]:
    """Play one request; keywords are Kong's answers, by the last word of the function."""
    changed = {name: kong.get(name.split(".")[-1].split()[0], KONG[name]) for name in KONG}
    now = asyncio.get_running_loop().time
    ending, asked = await play(access(Judge(decider), door, "team-a", now, BodyWaits()), changed)
    return ending, [function for function, _ in asked]


def refused(ending: Ending) -> Reason:
    assert isinstance(ending, Exit)
    return reason_in(ending.status, ending.body)
