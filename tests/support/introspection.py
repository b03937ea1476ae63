"""Issuers that are asked about opaque tokens, and what they answer."""

import asyncio
import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from gatepass.jwks import (
    Client,
    Freshness,
    HttpFetcher,
    Introspection,
    Issuer,
    IssuerRules,
    NamedEndpoint,
)
from gatepass.jwks.clock import Clock
from support.jwks_server import Answer, JwksServer, ok
from support.tokens import AUDIENCE, ISSUER

PATH = "/introspect"
CLIENT = Client("gatepass", "hush-hush-hush")
FRESHNESS = Freshness(refresh_seconds=300, min_refetch_seconds=1, max_stale_seconds=3600)
OPAQUE = b"2YotnFZFEjr1zCsicMWpAA"


def described(now: float, /, **changes: object) -> dict[str, object]:
    """Return what is said about a good token; a change to None leaves the member out."""
    members = {
        "active": True,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "client_id": "chat",
        "token_type": "Bearer",
        "scope": "models",
        "exp": int(now) + 300,
        "iat": int(now) - 5,
    } | changes
    return {name: value for name, value in members.items() if value is not None}


def said(clock: Clock, **changes: object) -> Answer:
    return ok(json.dumps(described(clock.wall(), **changes)).encode())


NO: Answer = ok(b'{"active":false}')


def asked_about(server: JwksServer) -> list[str]:
    """Return the tokens that the server was asked about, in order."""
    return [parse_qs(body.decode())["token"][0] for body in server.bodies]


def answer_of(server: JwksServer, judge: Callable[[str], Mapping[str, object]]) -> Answer:
    """Answer each question by what the judge says of its token."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        await ok(json.dumps(judge(asked_about(server)[-1])).encode())(writer)

    return answer


def introspecting_rules(issuer: str = ISSUER, leeway_seconds: int = 0) -> IssuerRules:
    algorithms, types = frozenset({"ES256"}), {"typ": frozenset({"bearer"})}
    return IssuerRules(
        issuer,
        frozenset({AUDIENCE}),
        algorithms,
        type_claims=types,
        leeway_seconds=leeway_seconds,
    )


def asking(url: str, timeout_seconds: float = 5.0, /, **more: object) -> Introspection:
    """Return how to ask there; `more` are fields of `Introspection`."""
    fetcher = HttpFetcher(timeout_seconds=timeout_seconds, allow_http_loopback=True)
    fields: dict[str, object] = {"endpoint": NamedEndpoint(url), "fetcher": fetcher} | more
    return Introspection(client=CLIENT, **fields)  # type: ignore[arg-type] # fields of any kind


def opaque_issuer(introspection: Introspection, issuer: str = ISSUER) -> Issuer:
    """Return an issuer whose tokens are all opaque."""
    return Issuer(introspecting_rules(issuer), None, FRESHNESS, introspection=introspection)
