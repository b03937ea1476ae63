"""The second way: APISIX's own forward-auth, which asks our HTTP service as Traefik does.

What forward-auth leaves open is closed here: it neither removes nor, before 3.17, replaces what the
answer does not set, so proxy-rewrite takes every spelling of the identity headers, the request's id
among them, away first (its rewrite phase comes before the access phase of forward-auth), and of the
credentials every spelling but the plain one, which the question needs; it tells the cleaned path,
so the one that the client sent is told in its place. The upstream gets the cleaned one from
proxy-rewrite: where the two differ in more than their spelling, the decision is a refusal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gatepass.plugin.gateways.apisix.verdict import spellings
from gatepass.plugin.gateways.apisix.yaml_text import Value
from gatepass.plugin.gateways.conventions import TRAEFIK

TIMEOUT_MS = 5000
"""Longer than doors.http.deadline is by default, so that our own answer comes first."""

_REFUSAL_HEADERS = (
    *("Content-Type", "Cache-Control", "Retry-After", "WWW-Authenticate"),
    *("RateLimit", "RateLimit-Policy"),
)


@dataclass(frozen=True, slots=True)
class DecidingHeaders:
    """Header names, in lower case.

    `asked` are those that a decision is about, `identity` those that only we may set, `spent` those
    that the upstream has no business with afterwards: the token and the choice of a team.
    """

    asked: Sequence[str]
    identity: Sequence[str]
    spent: Sequence[str]


def forward_auth_plugins(url: str, profile: str, headers: DecidingHeaders) -> dict[str, Value]:
    """Return the plugins; `url` is our HTTP service's, without a path."""
    removed = _spelled(headers.identity) | (_spelled(headers.spent) - {*headers.spent})
    return {
        "proxy-rewrite": {"headers": {"remove": sorted(removed)}},
        "forward-auth": {
            "uri": f"{url}/{TRAEFIK.name}/{profile}",
            "request_method": "POST",
            "request_headers": list(headers.asked),
            "extra_headers": {"X-Forwarded-Uri": "$real_request_uri"},
            # from 3.17 on, what the answer does not set is removed
            "upstream_headers": [*headers.identity, *headers.spent],
            "client_headers": list(_REFUSAL_HEADERS),
            "timeout": TIMEOUT_MS,
            "status_on_error": 503,
            "allow_degradation": False,
        },
    }


def _spelled(names: Sequence[str]) -> set[str]:
    return {spelling.decode() for name in names for spelling in spellings(name.encode())}
