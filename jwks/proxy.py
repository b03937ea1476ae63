"""The proxy through which keys are fetched, as the settings name it; no other one is ever asked.

It is plain text: `http://` or `https://`, perhaps a name and a password (percent-encoded), a host
and a port. Its password shows in no repr and in no error.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from gatepass.jwks.address import checked_host
from gatepass.jwks.errors import ConfigurationError, KeySourceUnavailable

_SHAPE = re.compile(
    r"(?P<scheme>https?)://"
    r"(?:(?P<name>[!$&-.0-9;=A-Z_a-z~%]*):(?P<password>[!$&-.0-9:;=A-Z_a-z~%]*)@)?"
    r"(?P<place>[^/?@]+)/?"
)


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where a proxy listens, and who we are to it."""

    url: str
    auth: tuple[bytes, bytes] | None = field(default=None, repr=False)


def read_proxy(text: str) -> Proxy:
    """Return the proxy that the text names.

    Raises:
        ConfigurationError: when it is not the plain URL of a proxy.

    """
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise ConfigurationError(["proxy: not a proxy; write http://proxy.example:3128"])
    try:
        # the scheme of the proxy is its own business: what passes through it is TLS in any case
        checked_host(f"https://{shape['place']}")
    except KeySourceUnavailable as wrong:
        raise ConfigurationError([f"proxy: {wrong.detail.removeprefix('address: ')}"]) from wrong
    auth = None
    if shape["name"] is not None:
        auth = unquote_to_bytes(shape["name"]), unquote_to_bytes(shape["password"])
    return Proxy(f"{shape['scheme']}://{shape['place']}", auth)
