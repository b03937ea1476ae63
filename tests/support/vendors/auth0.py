"""Tokens of Auth0, as documented: docs/issuers.md names the pages."""

from support.vendors.shape import AUDIENCE, LOGOUT, SCOPES, TYPE, Vendor, Who

AUTH0 = Vendor(
    header={"typ": "JWT"},
    claims={
        "iss": "https://acme.eu.auth0.com/",
        "sub": "auth0|123456",
        "aud": ["https://llm.acme.example/", "https://acme.eu.auth0.com/userinfo"],
        "azp": "client",
        "scope": "openid chat",
        "permissions": ["llm-admins"],
    },
    who=Who("auth0|123456", roles=("llm-admins",), scopes=SCOPES),
    also={
        "an application for itself": (
            {"sub": "client@clients", "gty": "client-credentials", "permissions": None},
            Who("client@clients", scopes=SCOPES),
        ),
        "the RFC 9068 profile": (
            {"azp": None, "client_id": "client", "jti": "a", "permissions": None},
            Who("auth0|123456", scopes=SCOPES),
        ),
    },
    others={
        "an ID token": (
            {"aud": "client", "azp": None, "scope": None, "nonce": "n", "sid": "s"},
            TYPE,
        ),
        "an ID token for our name": (
            {"aud": "https://llm.acme.example/", "azp": None, "nickname": "ann"},
            TYPE,
        ),
        "userinfo alone": ({"aud": "https://acme.eu.auth0.com/userinfo"}, AUDIENCE),
        "a logout token": (LOGOUT, TYPE),
    },
    headers=({"typ": "at+jwt"},),
    bad_headers=({"typ": None}, {"typ": "logout+jwt"}),
)
