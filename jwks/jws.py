"""Compact JWS: three segments, their signature made by the issuer's own key (RFC 7515 section 3.1).

1. At most `max_token_bytes`, before anything is read.
2. Exactly three canonical base64url segments (SEC-06); five would be encryption, which is not read.
3. The header's rules (header.py).
4. The algorithm is one that the issuer may use, the key is the issuer's and fits the algorithm, and
   the signature is that key's.

What the payload says is not looked at here.
"""

from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from gatepass.jwks.encoding import decode_segment
from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.header import Header, HeaderCache, read_header
from gatepass.jwks.keys import Key
from gatepass.jwks.keyset import KeySet
from gatepass.jwks.limits import Limits

# As numbers, an octet is found in a tenth of the time that a text of one takes.
_DOT: Final = ord(".")
_PADDING: Final = ord("=")


class CompactJws(msgspec.Struct, frozen=True, eq=False, gc=False):
    """The decoded parts of a token that nobody has verified yet; nothing of it shows in its repr.

    A struct, because every token makes one: it is made in a tenth of a frozen dataclass's time.
    """

    header: Header
    signing_input: bytes
    payload: bytes
    signature: bytes
    padded: bool = False

    def __repr__(self) -> str:
        return "<CompactJws>"


def parse_jws(
    token: bytes,
    limits: Limits,
    *,
    allow_padding: bool = False,
    headers: HeaderCache | None = None,
) -> CompactJws:
    """Take a token apart; `headers` spares reading the same header again.

    Raises:
        TokenRefused: TOO_LARGE, MALFORMED, BAD_HEADER or UNSUPPORTED_ALG.

    """
    if len(token) > limits.max_token_bytes:
        raise TokenRefused(TokenFault.TOO_LARGE)
    padded = _PADDING in token
    if padded and not allow_padding:
        raise TokenRefused(TokenFault.MALFORMED)
    first, last = token.find(_DOT), token.rfind(_DOT)
    if first == last or token.find(_DOT, first + 1) != last:
        raise TokenRefused(TokenFault.MALFORMED)
    segment = token[:first]
    header = None if headers is None else headers.get(segment)
    if header is None:
        header = read_header(segment, limits, allow_padding=padded)
        if headers is not None:
            headers.remember(segment, header)
    return CompactJws(
        header,
        token[:last],
        decode_segment(token[first + 1 : last], allow_padding=padded),
        decode_segment(token[last + 1 :], allow_padding=padded),
        padded,
    )


def check_signature(jws: CompactJws, key_set: KeySet, algorithms: AbstractSet[str]) -> Key:
    """Return the key of the issuer that made the signature, by one of its algorithms.

    Raises:
        TokenRefused: UNSUPPORTED_ALG, UNKNOWN_KEY, WEAK_KEY or BAD_SIGNATURE.

    """
    header = jws.header
    if header.algorithm not in algorithms:
        raise TokenRefused(TokenFault.UNSUPPORTED_ALG)
    key = key_set.select(header.kid, header.algorithm)
    if not key.verify(header.algorithm, jws.signing_input, jws.signature):
        raise TokenRefused(TokenFault.BAD_SIGNATURE)
    return key
