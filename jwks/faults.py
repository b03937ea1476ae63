"""Why a member of a key set is not used, and what is remarkable about one that is.

The values are fixed words for operators and metrics; nothing of the key itself is in them.
"""

from enum import StrEnum

from gatepass.jwks.errors import GatepassError


class KeyFault(StrEnum):
    """Why a JWK was left out of its set."""

    NOT_AN_OBJECT = "not_an_object"
    BAD_KID = "bad_kid"
    UNSUPPORTED = "unsupported"
    NOT_FOR_SIGNATURES = "not_for_signatures"
    MALFORMED = "malformed"
    SYMMETRIC = "symmetric"
    PRIVATE = "private"
    WEAK = "weak"
    AMBIGUOUS_KID = "ambiguous_kid"


UNSAFE_FAULTS = frozenset({KeyFault.SYMMETRIC, KeyFault.PRIVATE, KeyFault.WEAK})
"""Whoever presents a token under such a key is told that the key is at fault, not the name."""


class KeyRemark(StrEnum):
    """What an operator should know about a key that is used."""

    UNUSUAL_EXPONENT = "unusual_exponent"


class KeyRejected(GatepassError):
    """This JWK cannot verify tokens; the rest of its set may."""

    def __init__(self, fault: KeyFault) -> None:
        super().__init__("key_rejected", "the key cannot be used to verify tokens")
        self.fault = fault
