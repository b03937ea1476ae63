"""Which tokens are opaque, and whose they are: all that can be told by their bytes alone.

Rules, in order:

1. A token that begins with an issuer's `token_prefix` is that issuer's. No JWT begins so.
2. One with two dots is a JWT, one with four an encrypted one (SEC-13), and one that begins as JWTs
   do and has a dot is a piece of one, or one with something added. None is asked about: a token
   that our own verification refuses must not find another judge, and it may be the secret of
   somebody else's service.
3. Every other one belongs to the issuer without a prefix, if there is one.

What an opaque token may consist of is looked at by whoever asks about it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Generic, TypeVar

_PREFIX: Final = re.compile(r"[A-Za-z0-9._~+/-]{1,64}")
_AS_JWT: Final = ("ew", "ey")
"""How base64url begins whose text is `{` and a quotation mark or a blank."""

_JWT_STARTS: Final = tuple(start.encode("ascii") for start in _AS_JWT)
_JOSE_DOTS: Final = frozenset({2, 4})

Owner = TypeVar("Owner")


def prefix_problem(prefix: str) -> str | None:
    """Return what can only be wrong about a prefix by itself."""
    if not _PREFIX.fullmatch(prefix):
        return "1 to 64 characters that a bearer token may hold: letters, digits and . _ ~ + / -"
    if prefix == "e" or prefix.startswith(_AS_JWT):
        return "JWTs begin so; choose what the issuer's opaque tokens alone begin with"
    return None


def overlaps(prefix: str, others: Iterable[str]) -> bool:
    """Say whether a token could begin with the prefix and with one of the others.

    An empty one stands for the lack of a prefix, which one issuer may have.
    """
    return any(
        prefix == other
        or (prefix and other and (prefix.startswith(other) or other.startswith(prefix)))
        for other in others
    )


class OpaqueTokens(Generic[Owner]):
    """Finds out whose an opaque token is, among owners by their prefixes."""

    def __init__(self, owners: Mapping[str, Owner]) -> None:
        self._by_prefix = [(text.encode("ascii"), owner) for text, owner in owners.items() if text]
        self._of_the_others = owners.get("")

    def owner(self, token: bytes) -> Owner | None:
        """Return whose the token is, None for one that is no opaque token of anybody."""
        for prefix, owner in self._by_prefix:
            if token.startswith(prefix):
                return owner
        return None if _may_be_jose(token) else self._of_the_others


def _may_be_jose(token: bytes) -> bool:
    dots = token.count(b".")
    return dots in _JOSE_DOTS or (dots > 0 and token.startswith(_JWT_STARTS))
