"""Checks of one value each: what came from the file in, what the settings hold out.

A settings file gives text, lists, mappings and None (reading.py); settings that a program makes may
also give booleans and whole numbers. A value is refused with a fixed sentence that does not repeat
it: it may be a secret.
"""

import ipaddress
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.proxy import read_proxy
from gatepass.jwks.rules import ALGORITHMS
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.gateways.kong.bounds import Consumer
from gatepass.plugin.gateways.listener import Address
from gatepass.plugin.headers import fold_name
from gatepass.plugin.settings import units
from gatepass.plugin.settings.budget_text import parse_budget
from gatepass.plugin.settings.problems import BadValue, did_you_mean
from gatepass.rbac.roles import Role

MAX_TEXT_CHARS = 2048
Word = TypeVar("Word", bound=StrEnum)

_MAX_HEADER_CHARS = 100
_MAX_UNIX_PATH_BYTES = 100
_MAX_TAKEN_OVER_PATH_BYTES = 78
"""A server that waits for its turn listens at the same path with a suffix."""

_MAX_PORT = 65535
_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST_AND_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+)):([0-9]{1,5})")

_OTHERS_HEADERS = frozenset(
    b"connection content-encoding content-length content-type cookie expect host keep-alive "
    b"proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade "
    b"x-http-method x-http-method-override x-method-override".split()
)
"""Headers that mean something to proxies, or to the gate itself (RFC 9110 section 7.6.1)."""


def to_text(value: object) -> str:
    """Return text of 1 to 2048 printable characters without blanks around it."""
    if value is None:
        raise BadValue("has no value; give it one, or leave the line out")
    if not isinstance(value, str):
        raise BadValue("must be text")
    if not value:
        raise BadValue("must not be empty")
    if len(value) > MAX_TEXT_CHARS:
        raise BadValue(f"longer than {MAX_TEXT_CHARS} characters")
    if not value.isprintable() or value != value.strip():
        raise BadValue("holds line breaks, unprintable characters, or blanks at an end")
    return value


def to_flag(value: object) -> bool:
    """Return a boolean; YAML 1.1's other words for it count here, and nowhere else."""
    if isinstance(value, bool):
        return value
    word = to_text(value).lower()
    if word not in _TRUE | _FALSE:
        raise BadValue("must be true or false")
    return word in _TRUE


def to_count(value: object) -> int:
    """Return a whole number of tokens."""
    number = to_text(_digits(value))
    if not re.fullmatch(r"[0-9]{1,12}", number):
        raise BadValue("must be a whole number, in digits alone")
    return int(number)


def to_money(value: object) -> int:
    """Return nano-dollars; a bare number is dollars."""
    return units.parse_money(to_text(_digits(value)))


def to_budget(value: object) -> BudgetTemplate:
    """Return a budget; a bare number is dollars that never come back."""
    return parse_budget(to_text(_digits(value)))


def to_seconds(at_least: int, at_most: int) -> Callable[[object], int]:
    """Return a check for a duration within bounds, which are in seconds."""
    low, high = units.format_duration(at_least), units.format_duration(at_most)

    def check(value: object) -> int:
        seconds = units.parse_duration(to_text(_digits(value)))
        if not at_least <= seconds <= at_most:
            raise BadValue(f"must be from {low} to {high}")
        return seconds

    return check


def to_bytes(at_most: int) -> Callable[[object], int]:
    """Return a check for a size up to a bound, which is in bytes."""

    def check(value: object) -> int:
        size = units.parse_size(to_text(_digits(value)))
        if not 0 < size <= at_most:
            raise BadValue(f"must be from 1KiB to {units.format_size(at_most)}")
        return size

    return check


def to_matching(pattern: str, sentence: str) -> Callable[[object], str]:
    """Return a check for text of a shape."""
    shape = re.compile(pattern)

    def check(value: object) -> str:
        text = to_text(value)
        if not shape.fullmatch(text):
            raise BadValue(sentence)
        return text

    return check


def to_one_of(kinds: type[Word]) -> Callable[[object], Word]:
    """Return a check for one word of a closed list."""

    def check(value: object) -> Word:
        try:
            return kinds(to_text(value))
        except ValueError as unknown:
            raise BadValue(f"must be one of {', '.join(kinds)}") from unknown

    return check


def to_algorithm(value: object) -> str:
    """Return an algorithm that verifies with a public key (SEC-01)."""
    algorithm = to_text(value)
    if algorithm not in ALGORITHMS:
        raise BadValue(f"cannot be accepted; possible: {', '.join(sorted(ALGORITHMS))}")
    return algorithm


def to_role(value: object) -> Role:
    """Return a role by its name."""
    name = to_text(value)
    try:
        return Role(name)
    except ValueError as unknown:
        # `admin` is no slip of the pen for `org_admin`
        hint = did_you_mean(name, Role, cutoff=0.8) or f"; one of {', '.join(Role)}"
        raise BadValue(f"not a role{hint}") from unknown


def to_header_name(value: object) -> str:
    """Return the name of a header that is nobody else's, in lower case."""
    name = to_token_header_name(value)
    if name == "authorization":
        raise BadValue("the Authorization header is the token's")
    return name


def to_token_header_name(value: object) -> str:
    """Return the name of a header that may hold a token, in lower case (RFC 9110 section 5.1)."""
    name = to_text(value)
    if not _HEADER_NAME.fullmatch(name) or len(name) > _MAX_HEADER_CHARS:
        raise BadValue("not the name of a header")
    if fold_name(name.encode()) in _OTHERS_HEADERS:
        raise BadValue("the header means something else to proxies or to Gatepass")
    return name.lower()


def to_network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return an IP network, or an address as a network of one."""
    text = to_text(value)
    try:
        network = ipaddress.ip_network(text)
    except ValueError as unreadable:
        raise BadValue(
            "not an address or a network; write 10.0.0.7, 10.0.0.0/8 or fd00::/8, "
            "with zeros behind the prefix"
        ) from unreadable
    if network.prefixlen == 0:
        raise BadValue("would believe every client; name the networks of your proxies")
    return network


def to_opened_network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return an IP network that issuers may stand in, or an address as a network of one."""
    if value in {"0.0.0.0/0", "::/0"}:
        raise BadValue("would be every address there is; name the networks of your issuers")
    network = to_network(value)
    if network.is_link_local:
        raise BadValue("link-local addresses are never asked for keys")
    return network


def to_proxy(value: object) -> str:
    """Return the URL of a proxy as it was written."""
    text = to_text(value)
    try:
        read_proxy(text)
    except ConfigurationError as wrong:
        raise BadValue(wrong.problems[0].removeprefix("proxy: ")) from wrong
    return text


def to_address(value: object) -> Address:
    """Return where to listen: an absolute path, or a host and a port."""
    text = to_text(value)
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/") or len(path.encode()) > _MAX_UNIX_PATH_BYTES:
            raise BadValue(f"a socket is unix:/PATH with at most {_MAX_UNIX_PATH_BYTES} bytes")
        return Address(path=Path(path))
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None or int(match[3]) > _MAX_PORT:
        raise BadValue("not an address; write 127.0.0.1:8700, [::1]:8700 or unix:/path")
    host = match[1] or match[2]
    if match[1] or re.fullmatch(r"[0-9.]+", host):
        try:
            ipaddress.ip_address(host)
        except ValueError as unreadable:
            raise BadValue("the part before the port is not an IP address") from unreadable
    return Address(host, int(match[3]))


def to_socket_path(value: object) -> Path:
    """Return the absolute path of a Unix socket."""
    text = to_text(value).removeprefix("unix:")
    if not text.startswith("/") or len(text.encode()) > _MAX_TAKEN_OVER_PATH_BYTES:
        raise BadValue(f"not an absolute path of at most {_MAX_TAKEN_OVER_PATH_BYTES} bytes")
    return Path(text)


def to_file_mode(value: object) -> int:
    """Return the mode of a socket: three octal digits, of which the last is 0."""
    if not re.fullmatch(r"0?[0-7]{2}0", to_text(value)):
        raise BadValue("write it like 0660; others than owner and group may have no access")
    return int(to_text(value), 8)


def to_consumer(value: object) -> Consumer:
    """Return whom Kong takes for the consumer."""
    try:
        return Consumer(to_text(value))
    except ValueError as unknown:
        raise BadValue(f"must be one of {', '.join(Consumer)}") from unknown


def _digits(value: object) -> object:
    """Return a whole number of a program as the text that a file would hold."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
