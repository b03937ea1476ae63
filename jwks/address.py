"""Which addresses keys may be fetched from: judged by the text alone (SEC-20, SEC-21).

Rules, in order:

1. The whole URL is printable ASCII of a plain shape: scheme, host, port, path, query. User info,
   fragments, backslashes, zone ids and percent signs in the host do not fit the shape, so that no
   two parsers can disagree about the host.
2. A host that ends in a number is a dotted IPv4 address in its usual spelling: resolvers also take
   `0x7f.1` and `2130706433`.
3. A link-local address is never asked: cloud metadata services live there.
4. The scheme is https; http passes only to the machine itself, and only where that was allowed.

What a host name resolves to is not looked at here.
"""

import ipaddress
import re

from gatepass.jwks.errors import KeySourceUnavailable

MAX_URL_CHARS = 2048

_SHAPE = re.compile(
    r"""(?P<scheme>https?)://
        (?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])
        (?::(?P<port>[0-9]{1,5}))?
        (?:[/?][!-~]*)?""",
    re.VERBOSE,
)
_NEVER = frozenset('#\\"<>^`{|}')
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_MAX_PORT = 65535


def checked_host(url: str, *, allow_http_loopback: bool = False) -> str:
    """Return the host of a URL that may be asked for keys, in lower case.

    An IP address comes back in its canonical spelling, without brackets.

    Raises:
        KeySourceUnavailable: when the URL breaks a rule; the detail begins with `address:`.

    """
    shape = _SHAPE.fullmatch(url)
    if shape is None or len(url) > MAX_URL_CHARS or not _NEVER.isdisjoint(url):
        raise KeySourceUnavailable("address: not a plain https URL")
    port = shape["port"]
    if port is not None and not 0 < int(port) <= _MAX_PORT:
        raise KeySourceUnavailable("address: not a port")
    host = shape["host"].lower()
    literal = _literal(host)
    if literal is not None and literal.is_link_local:
        raise KeySourceUnavailable("address: link-local")
    local = host == "localhost" if literal is None else literal.is_loopback
    if shape["scheme"] == "http" and not (local and allow_http_loopback):
        raise KeySourceUnavailable("address: not https")
    return host if literal is None else str(literal)


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that the host spells out, or None for a name."""
    try:
        if host.startswith("["):
            address = ipaddress.IPv6Address(host[1:-1])
            # ::ffff:169.254.169.254 reaches the same machine as the IPv4 address inside
            return address.ipv4_mapped or address
        if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
            return ipaddress.IPv4Address(host)
    except ipaddress.AddressValueError as unusual:
        raise KeySourceUnavailable("address: not an IP address") from unusual
    return None
