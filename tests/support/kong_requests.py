"""Requests through a Kong that is played, and what may come of them when something goes wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.reasons import Reason
from support.gatepass_service import bearer
from support.gateway_table import CHAT, chat
from support.kong.request import ClientRequest
from support.kong.results import Answered, Shared
from support.kong.worker import Exchange, KongWorker, Protocol
from support.kong_door import KongService, ScriptedGate, running_kong_server, running_kong_service

REFUSALS = [reason for reason in Reason if reason is not Reason.ALLOWED]
HOST = ("Host", "api.example.test")


def request(subject: str = "alice", **more: object) -> ClientRequest:
    """Return a chat request of somebody with a token; keywords are members of its body."""
    body = chat(**more)
    length = ("Content-Length", str(len(body)))
    return ClientRequest("POST", CHAT, (HOST, ("Authorization", bearer(subject)), length), body)


def code_of(exchange: Exchange) -> str:
    """Return our code of an answer."""
    body = exchange.answered.body.decode()
    return next(reason.code for reason in REFUSALS if f'"{reason.code}"' in body)


def check_decided(exchange: Exchange, subject: str = "alice") -> bool:
    """Tell whether the request went upstream; if it did, it carries the identity and the marker."""
    if isinstance(exchange.result, Answered):
        # an event that is repeated after the token was taken away finds none
        assert exchange.result.status >= 500 or code_of(exchange) == "no_token"
        return False
    assert exchange.proxied.values("x-gatepass-user") == [subject]
    assert has_our_marker(exchange.state.shared)
    return True


def has_our_marker(shared: Shared) -> bool:
    """Judge as the guard that `gatepass kong config` prints."""
    marker = shared.get("gatepass")
    return isinstance(marker, str) and marker.startswith("v1:")


@contextmanager
def two_profiles(folder: Path) -> Iterator[KongService]:
    """Run a real Gate with a profile for everybody, and with `other`, for nobody."""
    rules = {"permissions": {"internal_user": {"routes": ["openai_routes"], "models": "all"}}}
    profiles = {"default": rules, "other": {"permissions": {}}}
    with running_kong_service(folder, profiles=profiles) as running:
        yield running
        assert running.faults == 0


@contextmanager
def scripted_kong(folder: Path, gate: ScriptedGate, protocol: Protocol) -> Iterator[KongWorker]:
    """Give a Kong before a server that decides by a script, within 0.3 s."""
    door = KongDoor(folder / "kong.sock", deadline_seconds=0.3, body_seconds=0.3)
    with (
        running_kong_server(gate, door),
        KongWorker(door.socket, protocol=protocol, read_timeout=5.0) as worker,
    ):
        yield worker
