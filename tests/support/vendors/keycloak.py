"""Tokens of Keycloak, as documented: docs/issuers.md names the pages."""

from support.vendors.shape import AUDIENCE, SCOPES, TYPE, Vendor, Who

KEYCLOAK = Vendor(
    header={"typ": "JWT"},
    claims={
        "iss": "https://login.acme.example/realms/acme",
        "jti": "a",
        "aud": ["llm-gateway", "account"],
        "sub": "f4b2a2c7-6a0b-4f3f-8f0a-5f7b6a3f2d11",
        "typ": "Bearer",
        "azp": "chat-app",
        "sid": "s",
        "acr": "1",
        "realm_access": {"roles": ["llm-admins"]},
        "resource_access": {"account": {"roles": ["manage-account"]}},
        "groups": ["research"],
        "scope": "openid chat",
        "email": "ann@acme.example",
        "email_verified": True,
        "preferred_username": "ann",
    },
    who=Who(
        "f4b2a2c7-6a0b-4f3f-8f0a-5f7b6a3f2d11",
        "ann@acme.example",
        ("research",),
        ("llm-admins",),
        SCOPES,
    ),
    also={
        "an unverified address": (
            {"email_verified": False, "groups": None, "realm_access": None},
            Who("f4b2a2c7-6a0b-4f3f-8f0a-5f7b6a3f2d11", scopes=SCOPES),
        ),
    },
    others={
        "an ID token": ({"typ": "ID", "aud": "llm-gateway", "at_hash": "h"}, TYPE),
        "a refresh token": ({"typ": "Refresh"}, TYPE),
        "an offline token": ({"typ": "Offline"}, TYPE),
        "a token bound to a key": ({"typ": "DPoP", "cnf": {"jkt": "k"}}, TYPE),
        "a token without a type": ({"typ": None}, TYPE),
        "account alone": ({"aud": "account"}, AUDIENCE),
        "no audience": ({"aud": None}, AUDIENCE),
    },
    headers=({"typ": "at+jwt"},),
    bad_headers=({"typ": "logout+jwt"},),
)
