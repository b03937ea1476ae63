"""Opaque tokens that were good when their issuer was asked last, by the digest of their bytes.

What made-up tokens may not take from them is introspection_pace.py's part. So many are kept and no
more; the one that was not asked about for the longest time goes first. What is in the memory is
digests alone, and nothing passes because it is in there.
"""

from collections import OrderedDict
from typing import Final

MAX_TOKENS: Final = 10_000


class ActiveTokens:
    """The tokens of one issuer."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tokens)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._tokens

    def remember(self, digest: bytes) -> None:
        """Keep a token that is good."""
        self._tokens[digest] = None
        self._tokens.move_to_end(digest)
        if len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)

    def forget(self, digest: bytes) -> None:
        """Drop a token that is not good, whether it was or not."""
        self._tokens.pop(digest, None)
