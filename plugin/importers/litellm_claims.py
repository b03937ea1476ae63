"""LiteLLM's names of claims, in our words.

Nothing is read that no key names, whatever our own default is. A person without a user id is named
by the e-mail address there; an address may be anybody's, so here it names nobody.
"""

from collections.abc import Mapping

from gatepass.plugin.importers.keys import Keys

CLAIM_KEYS: Mapping[str, str] = {
    "user_id_jwt_field": "user",
    "user_email_jwt_field": "email",
    "team_id_jwt_field": "team",
    "team_alias_jwt_field": "team_alias",
    "team_ids_jwt_field": "teams",
    "org_id_jwt_field": "organization",
    "org_alias_jwt_field": "organization_alias",
    "end_user_id_jwt_field": "end_user",
    "object_id_jwt_field": "object_id",
    "roles_jwt_field": "roles",
}
"""The peer's keys and our claims. Without a key nothing is read, whatever our default is."""

PER_ISSUER_KEYS: Mapping[str, str] = {
    "user_id_jwt_field": "user",
    "user_email_jwt_field": "email",
    "team_id_jwt_field": "team",
    "team_ids_jwt_field": "teams",
    "org_id_jwt_field": "organization",
    "end_user_id_jwt_field": "end_user",
}


def read_claims(jwt: Keys) -> dict[str, str]:
    """Return the names of claims by our words for them, as they hold for every issuer."""
    claims = {}
    for key, ours in CLAIM_KEYS.items():
        name = jwt.text(key)
        if name is not None:
            claims[ours] = name
            jwt.notes.exact(jwt.name(key), f"issuers[].claims.{ours}")
    allowed_roles = jwt.text("user_roles_jwt_field")
    if allowed_roles is not None:
        key = jwt.name("user_roles_jwt_field")
        if claims.setdefault("roles", allowed_roles) == allowed_roles:
            jwt.notes.exact(key, "issuers[].claims.roles")
        else:
            jwt.notes.manual(
                key, "there is one roles claim here; have the provider write both into one"
            )
    return claims


def claim_section(claims: Mapping[str, str]) -> dict[str, object]:
    """Return our section; an address names nobody."""
    users = [claims["user"]] if "user" in claims else []
    found: dict[str, object] = {"user": users, "email": [], "roles": []}
    others = {ours: name for ours, name in claims.items() if ours != "user"}
    return found | others | {"scopes": ["scope", "scp"]}
