"""Tokens of Amazon Cognito, as documented: docs/issuers.md names the pages."""

from support.vendors.shape import AUDIENCE, LLM, SCOPES, TYPE, Vendor, Who

POOL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example"

COGNITO = Vendor(
    header={"typ": None},
    claims={
        "iss": POOL,
        "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "aud": None,
        "client_id": "1example23456789",
        "cognito:groups": ["research"],
        "origin_jti": "a",
        "event_id": "b",
        "token_use": "access",
        "scope": "openid chat",
        "version": 2,
        "username": "ann",
    },
    who=Who(
        "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        teams=("research",),
        roles=("research",),
        scopes=SCOPES,
    ),
    also={
        "bound to us": (
            {"aud": LLM, "client_id": "any-client", "cognito:groups": None},
            Who("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", scopes=SCOPES),
        ),
        "an address that a trigger wrote": (
            {"email": "ann@acme.example", "email_verified": True, "cognito:groups": None},
            Who("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", scopes=SCOPES),
        ),
    },
    others={
        "an ID token": (
            {"token_use": "id", "aud": "1example23456789", "client_id": None, "at_hash": "h"},
            TYPE,
        ),
        "no use": ({"token_use": None}, TYPE),
        "another client": ({"client_id": "2another"}, AUDIENCE),
        "bound to another API": ({"aud": "https://other.acme.example"}, AUDIENCE),
        "no client": ({"client_id": None}, AUDIENCE),
    },
)
