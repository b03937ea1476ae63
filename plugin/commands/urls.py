"""URLs that a command is told: plain ones, of which every part can be used.

Rules, in order: the shape is http or https, a host, a port if it must be, a path, and nothing else;
the host is an address, or a name that could not be taken for one; the port is one that exists; the
path has neither empty nor dotted segments, which readers of a configuration see in different ways.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

MAX_PORT = 65535
_MAX_HOST_CHARACTERS = 253

_SHAPE = re.compile(
    r"https?://(?:(?P<name>[A-Za-z0-9.-]+)|\[(?P<v6>[0-9A-Fa-f:.]+)\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[\w.~/-]*)?)",
    re.ASCII,
)
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PATH = re.compile(r"/[\w.~/-]*", re.ASCII)
_DOTS = frozenset({".", ".."})


def problem_of(url: str) -> str | None:
    """Say why this is no plain URL that can be used, or return None."""
    parts = _SHAPE.fullmatch(url)
    if parts is None:
        return "neither credentials nor a query nor unusual characters may stand in it"
    if not (_is_ipv6(parts["v6"]) if parts["v6"] else _is_host(parts["name"])):
        return "the host is neither a name nor an address"
    if parts["port"] is not None and not _is_port(parts["port"]):
        return f"the port must be from 1 to {MAX_PORT}"
    if parts["path"] and not is_plain_url_path(parts["path"]):
        return "the path has empty or dotted segments"
    return None


def is_base_url(url: str) -> bool:
    """Answer whether a URL, which has no other problem, has no path."""
    return url.count("/") == len("//")


def is_plain_url_path(path: str) -> bool:
    """Answer whether everybody reads this path alike; it may end with a slash."""
    segments = path.split("/")
    if not _PATH.fullmatch(path) or not _DOTS.isdisjoint(segments):
        return False
    return all(segments[1:-1])


def _is_port(digits: str) -> bool:
    return not digits.startswith("0") and int(digits) <= MAX_PORT


def _is_host(name: str) -> bool:
    labels = name.split(".")
    if labels[-1].isdigit():  # no domain is a number: whoever reads this takes it for an address
        return _is_ipv4(name)
    return len(name) <= _MAX_HOST_CHARACTERS and all(_LABEL.fullmatch(label) for label in labels)


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True
