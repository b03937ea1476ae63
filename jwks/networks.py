"""Which machines may be connected to: judged by the address that is really dialed (SEC-21).

Rules, in order:

1. What stands inside an IPv6 address (mapped, 6to4, NAT64) is reached by it, so that is judged.
2. Never: link-local addresses and the others at which clouds hand out credentials, multicast, and
   addresses of no machine.
3. The machine itself: only where the URL spells that out (`127.0.0.1`, `localhost`). A name that
   somebody else's DNS points here opens nothing.
4. Any other address that is not of the public Internet: only in a network that the settings name.

Who turns names into addresses, and makes sure that the judged one is dialed, is the fetcher.
"""

import ipaddress
from collections.abc import Collection, Iterable
from typing import Final

from gatepass.jwks.errors import KeySourceUnavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_CREDENTIALS: Final = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "100.100.100.200",  # Alibaba Cloud
        "168.63.129.16",  # Azure, beside the link-local one
        "192.0.0.192",  # Oracle Cloud, classic
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google Cloud
    )
)
_NO_MACHINE: Final = ipaddress.IPv4Network("0.0.0.0/8")
_BROADCAST: Final = ipaddress.IPv4Address("255.255.255.255")
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_PUBLIC_V6: Final = ipaddress.IPv6Network("2000::/3")  # all that was ever given out, RFC 4291


def dialable(
    addresses: Iterable[Address], allowed: Collection[Network], *, local: bool
) -> list[Address]:
    """Return those of a host's addresses that may be dialed.

    `allowed` are the networks of the settings; `local` says that the URL itself names this machine.

    Raises:
        KeySourceUnavailable: when none may, with what speaks against the first.

    """
    verdicts = [(address, refusal(address, allowed, local=local)) for address in addresses]
    good = [address for address, reason in verdicts if reason is None]
    reasons = [reason for _, reason in verdicts if reason is not None]
    if not good:
        raise KeySourceUnavailable(reasons[0] if reasons else "name not known")
    return good


def refusal(address: Address, allowed: Collection[Network], *, local: bool) -> str | None:
    """Return in fixed words why the address may not be dialed, None when it may."""
    address = _innermost(address)
    if address.is_link_local:
        return "address: link-local"
    if address in _CREDENTIALS:
        return "address: metadata service"
    if address.is_multicast or address in _NO_MACHINE or address == _BROADCAST or not int(address):
        return "address: not of a machine"
    if any(address in network for network in allowed) or (local and address.is_loopback):
        return None
    if address.is_loopback:
        return "address: this machine by another name"
    return None if _is_public(address) else "address: private network"


def _is_public(address: Address) -> bool:
    return address.is_global and (address.version == 4 or address in _PUBLIC_V6)  # noqa: PLR2004 - IPv4


def _innermost(address: Address) -> Address:
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address
