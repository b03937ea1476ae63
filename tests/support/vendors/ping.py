"""Tokens of PingOne, as documented: docs/issuers.md names the pages."""

from support.vendors.shape import CLAIM, LLM, SCOPES, TYPE, Vendor, Who

PING = Vendor(
    header={"typ": None},
    claims={
        "iss": "https://auth.pingone.com/8f3a8c3e-9b53-4a2c-b3a5-6b6f2a2f0a11/as",
        "aud": [LLM],
        "sub": "2b9c1f0e-3c0f-4a0e-8b0a-0d7f6a1b2c3d",
        "client_id": "client",
        "sid": "s",
        "scope": "openid chat",
        "email": "ann@acme.example",
        "email_verified": True,
    },
    who=Who("2b9c1f0e-3c0f-4a0e-8b0a-0d7f6a1b2c3d", scopes=SCOPES),
    others={
        "an ID token": ({"aud": LLM, "client_id": None, "scope": None, "at_hash": "h"}, TYPE),
        "client credentials without a mapped sub": ({"sub": None, "sid": None}, CLAIM),
    },
    headers=({"typ": "at+jwt"},),
)
