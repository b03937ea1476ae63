"""The address of a Redis or Valkey server, as far as it can be judged without asking there."""

import re
from urllib.parse import unquote, urlsplit

from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.values import to_text

PLAIN, ENCRYPTED = "redis", "rediss"
DEFAULT_PORT = 6379

_LOCAL = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_ENCODED = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_DATABASE = re.compile(r"/?|/[0-9]{1,4}")
_POSSIBLE = (
    "must be redis://USER:PASSWORD@HOST:PORT/NUMBER, or rediss:// for an encrypted connection; "
    "percent-encoded, without options"
)


def to_redis_url(value: object) -> str:
    """Return the URL of a server; account, port and number of the database may be left out.

    There are no options: every one that a client library knows is ours to set.
    """
    url = to_text(value)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as unreadable:
        raise BadValue(_POSSIBLE) from unreadable
    account = (parts.username or "", parts.password or "")
    if (
        parts.scheme not in {PLAIN, ENCRYPTED}
        or not host
        or not _HOST.fullmatch(host)
        or port == 0
        or "?" in url
        or "#" in url
        or not _DATABASE.fullmatch(parts.path)
        or not all(_ENCODED.fullmatch(part) for part in account)
    ):
        raise BadValue(_POSSIBLE)
    return url


def is_protected(url: str) -> bool:
    """Answer whether the connection is encrypted, or leaves this machine not at all."""
    parts = urlsplit(url)
    return parts.scheme == ENCRYPTED or parts.hostname in _LOCAL


def server_name(url: str) -> str:
    """Return what to call the server in a report, without account and password."""
    parts = urlsplit(url)
    return f"{unquote(parts.hostname or '')}:{parts.port or DEFAULT_PORT}"
