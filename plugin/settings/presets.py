"""What is known of the tokens of widely used identity providers: defaults of one issuer's settings.

A preset fills what the file leaves out, written as the file would hold it; what stands in the file
counts, name by name, inside `claims` too. So nothing here can do what a settings file cannot, and a
preset is the same as its lines written out. Each fact stands with its source in docs/issuers.md.

Rules, in order:

1. Told apart from the provider's other tokens (SEC-15): by a claim that says the type
   (`type_claims`), and by claims that its access tokens have and its ID tokens lack
   (`access_token_claims`).
2. A user is named by a claim that is never given to somebody else; names and e-mail addresses that
   change hands are not (SEC-54).
3. An e-mail address is believed where the provider says that it checked it, and only there
   (SEC-52).

What depends on the deployment is left to the file: audiences, teams of machines, organizations.
"""

from collections.abc import Mapping
from typing import Final

from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.values import to_text

Defaults = Mapping[str, object]

_PLACES_OF_KEYS = frozenset({"jwks_uri", "jwks_file", "jwks"})

_ENTRA_CLAIMS: Defaults = {
    "user": ["oid", "sub"],
    "email_verified": "xms_edov",
    "teams": "groups",
    "roles": "roles",
    "scopes": "scp",
}

PRESETS: Final[Mapping[str, Defaults]] = {
    "auth0": {
        "token_types": ["at+jwt", "jwt"],
        "typ_required": "true",
        "access_token_claims": ["azp", "client_id"],  # the Auth0 profile, the RFC 9068 profile
        "claims": {"roles": "permissions", "scopes": "scope"},
    },
    "cognito": {
        "type_claims": {"token_use": ["access"]},
        "access_token_claims": "token_use",
        "audience_claim": "client_id",
        "claims": {
            "email_verified": [],
            "teams": "cognito:groups",
            "roles": "cognito:groups",
            "scopes": "scope",
        },
    },
    "entra": {
        "token_types": "jwt",
        "typ_required": "true",
        "type_claims": {"ver": ["2.0"]},
        "access_token_claims": "azp",
        "claims": _ENTRA_CLAIMS,
    },
    "entra-v1": {
        "token_types": "jwt",
        "typ_required": "true",
        "type_claims": {"ver": ["1.0"]},
        "access_token_claims": "appid",
        "jwks_hosts": "login.microsoftonline.com",
        "claims": _ENTRA_CLAIMS,
    },
    "generic": {},
    "google": {
        "issuer": "https://accounts.google.com",
        "allow_id_tokens": "true",  # its access tokens are opaque
        "jwks_hosts": "www.googleapis.com",
        "claims": {"email_owner": "hd", "roles": [], "scopes": []},
    },
    "keycloak": {
        "type_claims": {"typ": ["Bearer"]},
        "access_token_claims": "typ",
        "claims": {"teams": "groups", "roles": "realm_access.roles", "scopes": "scope"},
    },
    "okta": {
        "access_token_claims": "cid",
        "claims": {"user": "uid", "teams": "groups", "roles": "groups", "scopes": "scp"},
    },
    "ping": {
        "access_token_claims": "client_id",
        "claims": {"email_verified": [], "scopes": "scope"},
    },
}
"""By name; `generic` is what counts without a preset, said aloud."""


def to_preset(value: object) -> str:
    """Return the name of a preset."""
    name = to_text(value)
    if name not in PRESETS:
        raise BadValue(f"there is no such preset; possible: {', '.join(PRESETS)}")
    return name


def with_preset(values: Mapping[str, object]) -> Mapping[str, object]:
    """Return an issuer's settings with what its preset fills in; without one, as they are."""
    name = values.get("preset")
    preset = PRESETS.get(name) if isinstance(name, str) else None
    if not preset:
        return values
    filled = {**preset, **values}
    if "jwks_hosts" not in values and not _PLACES_OF_KEYS.isdisjoint(values):
        filled.pop("jwks_hosts", None)  # it counts for discovery only
    claims, own = preset.get("claims"), values.get("claims", {})
    if isinstance(claims, Mapping) and isinstance(own, Mapping):
        filled["claims"] = {**claims, **own}
    return filled
