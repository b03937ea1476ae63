"""LiteLLM's issuers: the one of the environment, and the list; each becomes one entry of ours.

There is no path beside the list here: the issuer of the environment is one more entry. Claims that
an entry does not name have the global name; a claim that it names and a token lacks is not looked
for under the global name. What identifies a token (issuer, audience) has to be there.
"""

from collections.abc import Mapping

from gatepass.jwks.rules import ALGORITHMS
from gatepass.plugin.importers.keys import Keys
from gatepass.plugin.importers.litellm_claims import PER_ISSUER_KEYS, claim_section
from gatepass.plugin.importers.verdicts import Notes

_DISCOVERY = "/.well-known/openid-configuration"
_IDS = ("user", "team", "teams", "organization", "end_user", "object_id")


def read_issuers(
    jwt: Keys, claims: Mapping[str, str], environ: Mapping[str, str], notes: Notes
) -> list[dict[str, object]]:
    """Return our entries; `claims` are the global names."""
    freshness = _read_freshness(jwt)
    listed = [_read_entry(entry, claims, freshness) for entry in jwt.list_below("issuers")]
    entries = [entry for entry in listed if entry is not None]
    taken = {entry["issuer"] for entry in entries}
    own = _read_environment(environ, claims, freshness, notes, needed=not listed)
    if own is not None and own["issuer"] in taken:
        notes.changed("JWT_ISSUER", "issuers", "stands in the list of issuers too; that one counts")
    elif own is not None:
        entries.insert(0, own)
    if "email" in claims or any("email_trusted" in entry for entry in entries):
        notes.changed(
            "(an address links whatever row has it)",
            "issuers[].email_trusted",
            "an address links a stored row only if the token says that it is verified, the row is "
            "nobody's yet and no administrator's. email_trusted believes the issuer in that: take "
            "it out where people can choose addresses that are not theirs.",
        )
        notes.manual(
            "(an address names whoever has no user id)",
            "left out: an address may be anybody's, and a token without a user id is nobody's. Add "
            "the claim to user only where the provider proves every address.",
            "issuers[].claims.user",
        )
    return entries


def _read_freshness(jwt: Keys) -> dict[str, object]:
    ttl, stale = jwt.number("public_key_ttl"), jwt.number("public_key_stale_ttl")
    found: dict[str, object] = {}
    if ttl is not None:
        found["refresh"] = f"{max(1, int(ttl))}s"
        jwt.notes.changed(
            jwt.name("public_key_ttl"),
            "issuers[].refresh",
            "an unknown key id is looked up at once, too: no wait after a rotation",
        )
    if stale is not None:
        seconds = max(int(stale), 300 if ttl is None else max(1, int(ttl)))
        found["max_stale"] = f"{seconds}s"
        if seconds == stale:
            jwt.notes.exact(jwt.name("public_key_stale_ttl"), "issuers[].max_stale")
        else:
            jwt.notes.changed(
                jwt.name("public_key_stale_ttl"),
                "issuers[].max_stale",
                "raised to the time between two fetches, below which keys would run out",
            )
    return found


def _read_entry(
    entry: Keys, claims: Mapping[str, str], freshness: Mapping[str, object]
) -> dict[str, object] | None:
    notes = entry.notes
    issuer, url = entry.text("issuer"), entry.text("jwks_url")
    audience, any_audience = entry.texts("audience"), entry.flag("disable_audience_validation")
    own = dict(claims)
    for key, ours in PER_ISSUER_KEYS.items():
        name = entry.text(key)
        if name is not None:
            own[ours] = name
            notes.exact(entry.name(key), f"issuers[].claims.{ours}")
    for key in ("virtual_key_claim_field", "unregistered_jwt_client_behavior"):
        if entry.drop(key):
            notes.manual(entry.name(key), "there are no stored keys here; identify by claims")
    entry.refuse_the_rest()
    if issuer is None:
        notes.refused(entry.name("issuer"), "is needed")
        return None
    if not audience and not any_audience:
        notes.refused(
            entry.name("audience"), "name one, or tokens for any other service would pass"
        )
        return None
    if audience and any_audience:
        notes.refused(entry.name("disable_audience_validation"), "contradicts audience")
        return None
    notes.exact(entry.name("issuer"), "issuers[].issuer")
    if any_audience:
        notes.changed(
            entry.name("disable_audience_validation"),
            "issuers[].unsafe_any_audience",
            "means the same, and is named for what it is: tokens made for others pass",
        )
    else:
        notes.exact(entry.name("audience"), "issuers[].audience")
    if url is not None:
        notes.exact(entry.name("jwks_url"), "issuers[].jwks_uri")
    return _entry(issuer, audience, url, own, freshness)


def _read_environment(
    environ: Mapping[str, str],
    claims: Mapping[str, str],
    freshness: Mapping[str, object],
    notes: Notes,
    *,
    needed: bool,
) -> dict[str, object] | None:
    urls = [url.strip() for url in environ.get("JWT_PUBLIC_KEY_URL", "").split(",") if url.strip()]
    issuer, audience = environ.get("JWT_ISSUER"), environ.get("JWT_AUDIENCE")
    if not urls:
        if needed:
            notes.refused("JWT_PUBLIC_KEY_URL", "is not set, and there is no list of issuers")
        return None
    if not issuer:
        notes.refused("JWT_ISSUER", "is not set: name the issuer whose keys these are")
    if not audience:
        notes.refused("JWT_AUDIENCE", "is not set: tokens for any other service would pass")
    if not issuer or not audience:
        return None
    notes.exact("JWT_ISSUER", "issuers[0].issuer")
    notes.exact("JWT_AUDIENCE", "issuers[0].audience")
    if len(urls) > 1:
        notes.manual(
            "JWT_PUBLIC_KEY_URL",
            "an issuer has one place for its keys here, and the first is taken; write an entry "
            "under issuers for each issuer",
            "issuers[0].jwks_uri",
        )
    else:
        notes.exact("JWT_PUBLIC_KEY_URL", "issuers[0].jwks_uri")
    return _entry(issuer, [audience], urls[0], claims, freshness)


def _entry(
    issuer: str,
    audience: list[str] | None,
    url: str | None,
    claims: Mapping[str, str],
    freshness: Mapping[str, object],
) -> dict[str, object]:
    entry: dict[str, object] = {"issuer": issuer}
    entry |= {"audience": audience} if audience else {"unsafe_any_audience": True}
    if url is not None and url != issuer.removesuffix("/") + _DISCOVERY:
        entry["jwks_uri"] = url
    entry |= {"algorithms": sorted(ALGORITHMS), "leeway": "0s", **freshness}
    if "email" in claims:
        entry["email_trusted"] = True
    entry["claims"] = claim_section(claims)
    numbers = [name for name in _IDS if name in claims]
    if numbers:
        entry["numbers_as_ids"] = numbers
    return entry
