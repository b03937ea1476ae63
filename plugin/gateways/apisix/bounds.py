"""How the runner for APISIX listens, and what bounds its answers."""

from dataclasses import dataclass
from pathlib import Path

from gatepass.plugin.gateways.accepting import DRAIN_SECONDS

MAX_PAYLOAD_BYTES = 2**24 - 1
"""Three octets say how long a frame is, and APISIX sends nothing longer."""

MAX_BODY_BYTES = MAX_PAYLOAD_BYTES + 1 - 1024
"""The longest body that APISIX can show, less what surely holds the table around it."""

SPAWNED_HAND_OVER_SECONDS = 0.3
SPAWNED_DRAIN_SECONDS = 0.6
"""APISIX kills a runner that it has started a second after it told it to end: the two come one
after the other, and what is left of the second is for leaving."""


@dataclass(frozen=True, slots=True)
class ApisixDoor:
    """The door for APISIX.

    `socket` is None where APISIX itself says where to listen. `mode`, `owner` and `group` are those
    of the socket. `deadline_seconds` is for a decision,
    `body_seconds` for the client's body before it. `show_usage` takes the client's Accept-Encoding
    away, so that what a call used can be read in the response. `read_responses` has it read there
    by the runner, of what does not stream. `certificates` asks for those of clients.
    `drain_seconds` is how long calls go on when the runner ends.
    """

    socket: Path | None = None
    mode: int = 0o660
    owner: str | None = None
    group: str | None = None
    max_body_bytes: int = 1024 * 1024
    deadline_seconds: float = 2.0
    body_seconds: float = 30.0
    show_usage: bool = True
    read_responses: bool = False
    certificates: bool = False
    drain_seconds: float = DRAIN_SECONDS
