"""What can be wrong with where an issuer is asked: keys named twice, addresses not to be asked.

Names are not resolved here: what they stand for is judged when it is dialed.
"""

import ipaddress
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gatepass.jwks.address import checked_host
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.networks import dialable
from gatepass.plugin.settings.problems import Finding, Location

if TYPE_CHECKING:
    from gatepass.plugin.settings.issuers import IssuerSettings

_PLACES = ("keys", "jwks_uri", "jwks_file", "jwks")
_FOR_FETCHING = ("allow_networks", "ca_file", "proxy")


def place_findings(settings: "IssuerSettings", right: frozenset[str]) -> Iterator[Finding]:
    """Yield what is wrong between the settings of the place; only those in `right` are looked at.

    All that name a place are among these.
    """
    named = [name for name in _PLACES if getattr(settings, name) is not None]
    if len(named) > 1:
        yield Finding((named[1],), f"contradicts {named[0]}; the keys come from one place")
        return
    asking = settings.introspection
    # of what is wrong nobody knows what it would have needed
    unknown = "introspection" not in right
    discovers = settings.discovers or unknown or (asking is not None and asking.discovers)
    if "jwks_hosts" in right and settings.jwks_hosts and not discovers:
        yield Finding(("jwks_hosts",), "counts for discovery only; leave it out")
    if not discovers and settings.jwks_uri is None and asking is None:
        for name in _FOR_FETCHING:
            if name in right and getattr(settings, name):
                yield Finding((name,), "counts for keys that are fetched only; leave it out")
    elif right >= {"issuer", "allow_http_loopback", "allow_networks"}:
        yield from _address_findings(settings)


def _address_findings(settings: "IssuerSettings") -> Iterator[Finding]:
    asking = settings.introspection
    if settings.jwks_uri is not None:
        yield from _url_findings(settings, ("jwks_uri",), settings.jwks_uri)
    if settings.discovers or (asking is not None and asking.discovers):
        url = settings.metadata_base or settings.issuer
        if "?" in url:
            yield Finding(("issuer",), "has a query; discovery needs an issuer without one")
        else:
            yield from _url_findings(settings, ("issuer",), url)
    if asking is not None and not asking.discovers:
        yield from _url_findings(settings, ("introspection", "endpoint"), asking.endpoint)


def _url_findings(settings: "IssuerSettings", where: Location, url: str) -> Iterator[Finding]:
    try:
        host = checked_host(url, allow_http_loopback=settings.allow_http_loopback)
    except KeySourceUnavailable as wrong:
        yield Finding(where, _sentence(where, wrong) + _advice(settings, url))
        return
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return
    try:
        dialable([address], settings.allow_networks, local=True)
    except KeySourceUnavailable as wrong:
        yield Finding(where, f"{_sentence(where, wrong)}; name it in allow_networks")


def _sentence(where: Location, wrong: KeySourceUnavailable) -> str:
    what = "tokens cannot be asked about" if "introspection" in where else "keys cannot be fetched"
    return f"{what} there: {wrong.detail.removeprefix('address: ')}"


def _advice(settings: "IssuerSettings", url: str) -> str:
    if url.startswith("http://"):
        return "; plain http passes only to 127.0.0.1, with allow_http_loopback: true"
    if settings.discovers and url == settings.issuer:
        return "; an issuer that is no https URL needs jwks_uri, jwks_file or jwks"
    return ""
