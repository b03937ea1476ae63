"""From an issuer to the address of its keys: OpenID Connect Discovery 1.0 (SEC-21).

Rules, in order:

1. The metadata stands at the issuer plus `/.well-known/openid-configuration`; one slash at the end
   of the issuer is dropped first (section 4.1).
2. It is strict JSON: an object without duplicate members.
3. Its `issuer` is the very string that was configured (section 4.3), slash and case included.
4. Its `jwks_uri` is an address that may be fetched, on the issuer's own host or on one of those
   that the settings name. A document that somebody else wrote must not send us around.

Nothing else of the document is read: what an issuer can do beside signing tokens does not matter
here, and real ones differ from the letter of the standard in it.
"""

from collections.abc import Set as AbstractSet

from gatepass.jwks.address import checked_host
from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.limits import DEFAULT_LIMITS

_WELL_KNOWN = "/.well-known/openid-configuration"


def metadata_url(issuer: str) -> str:
    """Return where the issuer publishes its metadata.

    Raises:
        KeySourceUnavailable: when the issuer has a query, which the standard rules out (section 3).

    """
    if "?" in issuer:
        raise KeySourceUnavailable("discovery: an issuer has no query")
    return issuer.removesuffix("/") + _WELL_KNOWN


def read_jwks_uri(
    document: bytes,
    issuer: str,
    *,
    allowed_hosts: AbstractSet[str] = frozenset(),
    allow_http_loopback: bool = False,
) -> str:
    """Return the `jwks_uri` of an issuer's metadata document, once it is known to be its own.

    `allowed_hosts` are further hosts, in lower case, that the keys may lie on.

    Raises:
        KeySourceUnavailable: when the document breaks a rule of this module.

    """
    try:
        metadata = parse_json_object(document, DEFAULT_LIMITS.max_json_depth)
    except NotStrictJson as lax:
        raise KeySourceUnavailable("discovery: not a metadata document") from lax
    if metadata.get("issuer") != issuer:
        raise KeySourceUnavailable("discovery: the document of another issuer")
    jwks_uri = metadata.get("jwks_uri")
    if not isinstance(jwks_uri, str):
        raise KeySourceUnavailable("discovery: no jwks_uri")
    host = checked_host(jwks_uri, allow_http_loopback=allow_http_loopback)
    own = checked_host(issuer, allow_http_loopback=allow_http_loopback)
    if host != own and host not in allowed_hosts:
        raise KeySourceUnavailable("discovery: jwks_uri on another host")
    return jwks_uri
