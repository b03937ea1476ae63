"""The header of a token: three members are read, the rest is refused or ignored (RFC 7515).

1. It is a strict JSON object of bounded size.
2. `crit`, `b64` and `zip` change how a token is to be read: refused, whatever their value; so is a
   `cty` that announces another token inside (SEC-04).
3. `alg` is one of ours (SEC-01), `kid` a string of bounded length, `typ` a string; the latter two
   may be missing.

Keys and addresses of keys (jwk, jku, x5u, x5c) are never looked at (SEC-03). Which algorithm and
which type an issuer may use is judged by the caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gatepass.jwks.encoding import NotStrictJson, decode_segment, parse_json_object
from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.limits import Limits
from gatepass.jwks.rules import ALGORITHMS

_REFUSED_MEMBERS: Final = frozenset({"crit", "b64", "zip"})
_MEDIA_PREFIX: Final = "application/"


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What a token says about itself; `typ` is in lower case, without `application/`."""

    algorithm: str
    kid: str | None = field(repr=False)
    typ: str | None = field(repr=False)


class HeaderCache:
    """Headers already read, by their encoded bytes: those of one issuer hardly ever differ.

    Belongs to whoever verifies, and to one set of limits. When it is full it starts anew, so
    that a flood of made-up headers costs memory for `max_entries` of them and no more.
    """

    __slots__ = ("_headers", "_max_entries")

    def __init__(self, max_entries: int = 256) -> None:
        self._headers: dict[bytes, Header] = {}
        self._max_entries = max_entries

    def __len__(self) -> int:
        return len(self._headers)

    def get(self, segment: bytes) -> Header | None:
        """Return what was read from these bytes before."""
        return self._headers.get(segment)

    def remember(self, segment: bytes, header: Header) -> None:
        """Keep a header that passed all checks."""
        if len(self._headers) >= self._max_entries:
            self._headers.clear()
        self._headers[segment] = header


def read_header(segment: bytes, limits: Limits, *, allow_padding: bool = False) -> Header:
    """Return the header of a token from its first segment.

    Raises:
        TokenRefused: MALFORMED, TOO_LARGE, BAD_HEADER or UNSUPPORTED_ALG.

    """
    document = decode_segment(segment, allow_padding=allow_padding)
    if len(document) > limits.max_header_bytes:
        raise TokenRefused(TokenFault.TOO_LARGE)
    try:
        members = parse_json_object(document, limits.max_json_depth)
    except NotStrictJson:
        raise TokenRefused(TokenFault.MALFORMED) from None
    if not _REFUSED_MEMBERS.isdisjoint(members) or _announces_a_token(members):
        raise TokenRefused(TokenFault.BAD_HEADER)
    algorithm = members.get("alg")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise TokenRefused(TokenFault.UNSUPPORTED_ALG)
    kid = _optional_text(members, "kid")
    if kid is not None and len(kid) > limits.max_kid_chars:
        raise TokenRefused(TokenFault.TOO_LARGE)
    typ = _optional_text(members, "typ")
    return Header(algorithm, kid, None if typ is None else _media_type(typ))


def _optional_text(members: Mapping[str, object], name: str) -> str | None:
    if name not in members:
        return None
    value = members[name]
    if not isinstance(value, str):
        raise TokenRefused(TokenFault.BAD_HEADER)
    return value


def _media_type(text: str) -> str:
    """Return a media type as RFC 7515 section 4.1.9 compares it."""
    return text.lower().removeprefix(_MEDIA_PREFIX)


def _announces_a_token(members: Mapping[str, object]) -> bool:
    content = _optional_text(members, "cty")
    return content is not None and _media_type(content).split("+")[-1] == "jwt"
