"""How the plugin server for Kong listens, and what bounds its answers."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Consumer(StrEnum):
    """Whom Kong takes for the consumer of an allowed request."""

    USER = "user"
    TEAM = "team"
    ORGANIZATION = "organization"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class KongDoor:
    """The door for Kong.

    `mode`, `owner` and `group` are those of the socket. `deadline_seconds` is for a decision,
    `body_seconds` for the client's body before it. `cost_header` is in lower case.
    `certificates` asks Kong for those of clients.
    """

    socket: Path
    mode: int = 0o660
    owner: str | None = None
    group: str | None = None
    max_body_bytes: int = 1024 * 1024
    deadline_seconds: float = 2.0
    body_seconds: float = 30.0
    consumer: Consumer = Consumer.USER
    cost_header: bytes | None = None
    certificates: bool = False
