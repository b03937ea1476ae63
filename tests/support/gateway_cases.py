"""What a case of the shared table is, and how one is tried at a real gateway.

Whatever the case says of the answer, two things are always checked: the upstream was called exactly
if the request was allowed, and it then saw the identity headers that the case names and no others,
in whatever spelling, and neither the token nor the choice of a team (SEC-41, 44, 46, 48). The id of
the request is ours and stands there once; Kong alone is told it in another place.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from gatepass.plugin.headers import REQUEST_ID, fold_name
from support.doors import Recording
from support.raw_http import RawRequest, Reply, ask

Name = Literal["envoy", "nginx", "traefik", "caddy", "asgi", "kong", "apisix"]
BODY_IS_HIDDEN: tuple[Name, ...] = ("nginx", "caddy")

IDENTITY = ("user", "team-id", "role", "organization", "end-user")
_MINE = frozenset(f"x-gatepass-{word}".encode() for word in IDENTITY)
LIMITED = 429
_GONE = frozenset({b"authorization", b"x-gatepass-team"})
ALICE: Mapping[str, str] = {"user": "alice", "role": "internal_user"}


@dataclass(frozen=True)
class Outcome:
    """What the client gets; `code` is None when the gateway refuses without asking us.

    `told` is what the upstream is told about the caller, `target` the target that it sees, None for
    the one that was sent; both count only for an allowed request.
    """

    status: int = 200
    code: str | None = None
    told: Mapping[str, str] = field(default_factory=lambda: ALICE)
    target: str | None = None


ALLOWED = Outcome()


def own(status: int) -> Outcome:
    """Return the outcome of a gateway that refuses by itself."""
    return Outcome(status)


@dataclass(frozen=True)
class Case:
    """A request, and its outcome at every gateway but those of `but`."""

    name: str
    target: str | bytes = "/v1/models"
    expected: Outcome = ALLOWED
    method: str = "GET"
    headers: tuple[tuple[str | bytes, str | bytes], ...] = ()
    body: bytes | None = None
    but: Mapping[Name, Outcome] = field(default_factory=dict)


class Upstream(Protocol):
    """Whatever stands behind a gateway and notes what reaches it."""

    received: list[RawRequest]


class Service(Protocol):
    """The Gate behind some door, and what it was asked."""

    @property
    def asked(self) -> Recording: ...

    @property
    def faults(self) -> int: ...


@dataclass(frozen=True)
class Gateway:
    """A running gateway between a client and the upstream, asking the service."""

    name: Name
    port: int
    service: Service
    upstream: Upstream

    def request(self, case: Case) -> Reply:
        """Send the request of a case, with nothing left over from earlier ones."""
        self.upstream.received.clear()
        self.service.asked.forget()
        return ask(self.port, case.method, case.target, case.headers, case.body)


def check(gateway: Gateway, case: Case) -> None:
    """Try a case and compare what happened with what should have."""
    expected = case.but.get(gateway.name, case.expected)
    reply = gateway.request(case)
    asked = bool(gateway.service.asked.requests)
    assert (reply.status, error_code(reply)) == (expected.status, expected.code), reply
    assert gateway.service.faults == 0
    if expected.status == 200:
        (seen,) = gateway.upstream.received
        assert asked
        _check_upstream(case, expected, seen)
        ids, last = request_ids_of(seen), gateway.service.asked.decisions[-1]
        assert len(ids) == (0 if gateway.name == "kong" else 1)
        # a decision that wanted the body first goes on where nobody records it
        assert ids in ([], [last.request_id]) or not last.allowed
    else:
        assert gateway.upstream.received == []
        assert asked or expected.code in {None, "ambiguous_path"}
        _check_refusal(reply, expected)
        if expected.status == LIMITED and "nginx" not in gateway.name:  # which passes on one header
            assert reply.values("ratelimit")[0].startswith('"user-money";r=')
            assert reply.values("ratelimit-policy")[0].startswith('"user-money";q=')
            assert json.loads(reply.body)["error"]["limit"]["scope"] == "user"


def _check_upstream(case: Case, expected: Outcome, seen: RawRequest) -> None:
    assert identity_of(seen) == [
        (f"x-gatepass-{word}", value) for word, value in sorted(expected.told.items())
    ]
    assert not [name for name, _ in seen.headers if fold_name(name.encode()) in _GONE]
    sent = case.target if isinstance(case.target, str) else case.target.decode("latin-1")
    assert seen.target == (expected.target or sent)
    assert seen.method == case.method
    assert seen.body == (case.body or b"")


def _check_refusal(reply: Reply, expected: Outcome) -> None:
    if expected.code is None:
        return
    assert reply.values("content-type") == ["application/json"]
    assert reply.values("cache-control") == ["no-store"]
    assert len(reply.values("www-authenticate")) == (1 if expected.status == 401 else 0)
    assert len(reply.values("retry-after")) == (1 if expected.status == LIMITED else 0)


def error_code(reply: Reply) -> str | None:
    """Return the code of an error body of ours, None for any other body."""
    try:
        code: str = json.loads(reply.body)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return None
    return code


def request_ids_of(seen: RawRequest) -> list[str]:
    """Return the value of every header that reads as the one with the request's id."""
    return [value for name, value in seen.headers if fold_name(name.encode()) == REQUEST_ID]


def identity_of(seen: RawRequest) -> list[tuple[str, str]]:
    """Return every header that reads as one of ours, in any spelling."""
    return sorted(
        (name.lower(), value)
        for name, value in seen.headers
        if fold_name(name.encode("latin-1")) in _MINE
    )
