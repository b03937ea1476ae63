"""Requests through an APISIX that is played, and what may come of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.names import REQUEST_ID
from support.apisix.request import ClientRequest, Route
from support.apisix.results import Answered, Exchange, Proxied
from support.apisix.worker import ApisixWorker
from support.apisix_door import ApisixService, running_apisix_server, running_apisix_service
from support.gatepass_service import bearer
from support.gateway_table import CHAT, chat
from support.kong_door import ScriptedGate
from support.kong_requests import HOST, REFUSALS
from support.raw_http import RawRequest

_ID = REQUEST_ID.decode()


def request(subject: str = "alice", **more: object) -> ClientRequest:
    """Return a chat request of somebody with a token; keywords are members of its body."""
    return chat_request(chat(**more), ("Authorization", bearer(subject)))


def chat_request(
    body: bytes, *headers: tuple[str, str], chunked: bool = False, http_version: float = 1.1
) -> ClientRequest:
    """Return a chat request with a body; over HTTP/2 it has no length unless a header says it."""
    framing: tuple[tuple[str, str], ...] = ()
    if chunked:
        framing = (("Transfer-Encoding", "chunked"),)
    elif http_version < 2:
        framing = (("Content-Length", str(len(body))),)
    lines = (HOST, *headers, *framing)
    return ClientRequest("POST", CHAT, lines, body, http_version=http_version)


def code_of(exchange: Exchange) -> str:
    """Return our code of an answer."""
    body = exchange.answered.body.decode()
    return next(reason.code for reason in REFUSALS if f'"{reason.code}"' in body)


def check_upstream(sent: RawRequest, subject: str) -> str:
    """Check who the upstream is told that calls; return the id that the request has."""
    assert sent.values("x-gatepass-user") == [subject]
    assert sent.values("authorization") == []
    (request_id,) = sent.values(_ID)
    return request_id


def check_decided(exchange: Exchange, subject: str = "alice") -> str | None:
    """Return the id of a request that went upstream, which somebody decided; None for a refusal."""
    if isinstance(exchange.result, Answered):
        assert exchange.result.status >= 500
        assert exchange.upstream_requests == []
        return None
    assert isinstance(exchange.result, Proxied)
    assert exchange.result.is_decided
    (sent,) = exchange.upstream_requests
    return check_upstream(sent, subject)


def route(profile: str) -> Route:
    """Return a route of the profile's name with its configuration."""
    return Route(profile, (("gatepass", f'{{"profile":"{profile}"}}'),))


def prepared(worker: ApisixWorker) -> int:
    """Return how many configurations were sent to the runner."""
    said = [event["decoded"] for event in worker.events if event["from"] == "apisix"]
    return sum(isinstance(one, dict) and one.get("type") == "PrepareConf" for one in said)


@contextmanager
def two_profiles(folder: Path, **sections: object) -> Iterator[ApisixService]:
    """Run a real Gate with a profile for everybody, and with `other`, for nobody."""
    rules = {"permissions": {"internal_user": {"routes": ["openai_routes"], "models": "all"}}}
    profiles = {"default": rules, "other": {"permissions": {}}}
    with running_apisix_service(folder, **{"profiles": profiles, **sections}) as running:
        yield running
        assert running.faults == 0


@contextmanager
def scripted_apisix(folder: Path, gate: ScriptedGate) -> Iterator[ApisixWorker]:
    """Give an APISIX before a runner that decides by a script, within 0.3 s."""
    path = folder / "apisix.sock"
    door = ApisixDoor(path, deadline_seconds=0.3, body_seconds=0.3)
    with running_apisix_server(gate, door), ApisixWorker(path, read_timeout=5.0) as worker:
        yield worker
