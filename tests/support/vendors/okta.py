"""Tokens of Okta, as documented: docs/issuers.md names the pages."""

from gatepass.jwks.errors import TokenFault
from support.vendors.shape import AUDIENCE, SCOPES, TYPE, Vendor, Who

OKTA = Vendor(
    header={"typ": None},
    claims={
        "ver": 1,
        "jti": "AT.a",
        "iss": "https://acme.okta.com/oauth2/default",
        "aud": "api://default",
        "sub": "ann@acme.example",
        "cid": "nmdP1fcyvdVO11AL7ECm",
        "uid": "00ujmkLgagxeRrAg20g3",
        "scp": ["openid", "chat"],
        "groups": ["research"],
    },
    who=Who("00ujmkLgagxeRrAg20g3", teams=("research",), roles=("research",), scopes=SCOPES),
    also={
        "an application for itself": (
            {"sub": "nmdP1fcyvdVO11AL7ECm", "uid": None, "groups": None},
            Who(None, scopes=SCOPES),
        ),
    },
    others={
        "an ID token": (
            {"cid": None, "uid": None, "scp": None, "jti": "ID.a", "at_hash": "h"},
            TYPE,
        ),
        "for the org itself": ({"aud": "https://acme.okta.com"}, AUDIENCE),
        "of the org's server": ({"iss": "https://acme.okta.com"}, TokenFault.BAD_ISSUER),
    },
)
