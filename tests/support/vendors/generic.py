"""Tokens of a provider that has no preset of its own, by RFC 9068 and by custom."""

from support.vendors.shape import LOGOUT, SCOPES, TYPE, Vendor, Who

GENERIC = Vendor(
    header={"typ": "at+jwt"},
    claims={
        "iss": "https://login.acme.example",
        "aud": "llm-gateway",
        "sub": "ann",
        "client_id": "client",
        "scope": "openid chat",
        "roles": ["llm-admins"],
        "email": "ann@acme.example",
        "email_verified": True,
    },
    who=Who("ann", "ann@acme.example", roles=("llm-admins",), scopes=SCOPES),
    also={
        "scopes as a list": (
            {"scope": None, "scp": ["openid", "chat"], "email_verified": False, "roles": None},
            Who("ann", scopes=SCOPES),
        ),
    },
    others={
        "an ID token": ({"client_id": None}, TYPE),
        "an ID token with its marks": ({"nonce": "n", "at_hash": "h"}, TYPE),
        "a refresh token": ({"typ": "Refresh"}, TYPE),
        "a logout token": (LOGOUT, TYPE),
    },
    headers=({"typ": "JWT"}, {"typ": None}, {"typ": "application/at+jwt"}),
    bad_headers=({"typ": "logout+jwt"}, {"typ": "dpop+jwt"}),
)
