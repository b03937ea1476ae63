"""Tokens of Google, as documented: docs/issuers.md names the pages."""

from gatepass.jwks.errors import TokenFault
from support.vendors.shape import AUDIENCE, CLAIM, TYPE, Vendor, Who

CLIENT = "1234987819200-abc.apps.googleusercontent.com"

GOOGLE = Vendor(
    header={"typ": "JWT"},
    claims={
        "iss": "https://accounts.google.com",
        "azp": CLIENT,
        "aud": CLIENT,
        "sub": "10769150350006150715113082367",
        "hd": "acme.example",
        "email": "ann@acme.example",
        "email_verified": True,
        "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
        "nonce": "0394852-3190485-2490358",
    },
    who=Who("10769150350006150715113082367", "ann@acme.example"),
    also={
        "an unverified address": (
            {"email_verified": False, "at_hash": None, "nonce": None},
            Who("10769150350006150715113082367"),
        ),
        "verified in words": ({"email_verified": "true"}, Who("10769150350006150715113082367")),
    },
    others={
        "no organization": ({"hd": None, "email": "ann@gmail.com"}, CLAIM),
        "another organization": ({"hd": "evil.example"}, CLAIM),
        "organizations": ({"hd": ["acme.example"]}, CLAIM),
        "another client": ({"aud": "other.apps.googleusercontent.com"}, AUDIENCE),
        "the issuer of old clients": ({"iss": "accounts.google.com"}, TokenFault.BAD_ISSUER),
        "a security event": ({"events": {"https://schemas.openid.net/secevent/risc": {}}}, TYPE),
    },
    bad_headers=({"typ": "secevent+jwt"},),
)
