"""Opaque tokens that were asked about in vain lately, by the digest of their bytes.

A token stands here with why it did not pass, so that whoever sends it again and again causes one
question in a while. So many are kept and no more; the oldest goes first. What is in the memory is
digests alone.
"""

from collections import OrderedDict
from typing import Final

from gatepass.jwks.errors import TokenFault

MAX_TOKENS: Final = 10_000

Why = TokenFault | str
"""What the token is refused for, or in fixed words why nobody knows whether it is good."""


class UnusableTokens:
    """The tokens of one issuer; times are in seconds on the monotonic clock."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[bytes, tuple[float, Why]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tokens)

    def why(self, digest: bytes, now: float) -> Why | None:
        """Return why the token does not pass, None when that is not known or too long ago."""
        found = self._tokens.get(digest)
        if found is None:
            return None
        until, why = found
        if now < until:
            return why
        del self._tokens[digest]
        return None

    def remember(self, digest: bytes, why: Why, until: float) -> None:
        """Keep a token that was asked about just now."""
        self._tokens[digest] = until, why
        self._tokens.move_to_end(digest)
        if len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)
