"""From an issuer to the address of its keys: OpenID Connect Discovery 1.0, RFC 8414 (SEC-21).

Rules, in order:

1. OpenID providers have their metadata at the issuer plus `/.well-known/openid-configuration`; one
   slash at the end of the issuer is dropped first (section 4.1). OAuth servers have it at
   `/.well-known/oauth-authorization-server`, which goes between host and path (section 3.1).
2. It is strict JSON: an object without duplicate members.
3. Its `issuer` is the very string that was configured, slash and case included (section 4.3 of the
   one, 3.3 of the other).
4. What it names, its `jwks_uri` or `introspection_endpoint`, is an address that may be asked, on
   the issuer's own host or on one of those that the settings name. A document that somebody else
   wrote must not send us around, nor have tokens and our secret sent to it.

Nothing else of the document is read: what an issuer can do beside signing tokens does not matter
here, and real ones differ from the letter of the standard in it.
"""

import re
from collections.abc import Set as AbstractSet
from enum import StrEnum

from gatepass.jwks.address import checked_host
from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.limits import DEFAULT_LIMITS

_AUTHORITY = re.compile(r"[a-z]+://[^/]*")


class Metadata(StrEnum):
    """The standards for where an issuer's metadata stands; the value is the well-known name."""

    OPENID = "openid-configuration"
    OAUTH = "oauth-authorization-server"


def metadata_url(issuer: str, metadata: Metadata = Metadata.OPENID) -> str:
    """Return where the issuer publishes its metadata.

    Raises:
        KeySourceUnavailable: when the issuer has a query, which both standards rule out.

    """
    if "?" in issuer:
        raise KeySourceUnavailable("discovery: an issuer has no query")
    base, suffix = issuer.removesuffix("/"), f"/.well-known/{metadata}"
    if metadata is Metadata.OPENID:
        return base + suffix
    return _AUTHORITY.sub(lambda host: host[0] + suffix, base, count=1)


def read_address(  # noqa: PLR0913 - what names the member, and what is accepted
    document: bytes,
    member: str,
    issuer: str,
    *,
    beneath: str | None = None,
    allowed_hosts: AbstractSet[str] = frozenset(),
    allow_http_loopback: bool = False,
) -> str:
    """Return an address that an issuer's metadata document names, once that is known to be its own.

    `beneath` is the URL that stands for the issuer in addresses, where the issuer is a template;
    `allowed_hosts` are further hosts, in lower case, that the address may be on.

    Raises:
        KeySourceUnavailable: when the document breaks a rule of this module.

    """
    try:
        metadata = parse_json_object(document, DEFAULT_LIMITS.max_json_depth)
    except NotStrictJson as lax:
        raise KeySourceUnavailable("discovery: not a metadata document") from lax
    if metadata.get("issuer") != issuer:
        raise KeySourceUnavailable("discovery: the document of another issuer")
    address = metadata.get(member)
    if not isinstance(address, str):
        raise KeySourceUnavailable(f"discovery: no {member}")
    host = checked_host(address, allow_http_loopback=allow_http_loopback)
    own = checked_host(beneath or issuer, allow_http_loopback=allow_http_loopback)
    if host != own and host not in allowed_hosts:
        raise KeySourceUnavailable(f"discovery: {member} on another host")
    return address
