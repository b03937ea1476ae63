"""The root of all our errors, and the branches that keys and tokens can cause.

An error carries a stable code and a fixed sentence. No message contains anything that came from a
token, a header or a key: what a stranger wrote is never read back to anyone (SEC-60).
"""

from collections.abc import Sequence
from enum import StrEnum


class GatepassError(Exception):
    """Root of every error that Gatepass raises on purpose; anything else is a bug of ours.

    `code` is stable and may be shown to anyone; the sentence is fixed per code.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class TokenFault(StrEnum):
    """Why a token is refused; the value is the stable code."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    BAD_HEADER = "bad_header"
    UNSUPPORTED_ALG = "unsupported_alg"
    WRONG_TOKEN_TYPE = "wrong_token_type"  # noqa: S105 - a code, not a secret
    UNKNOWN_KEY = "unknown_key"
    WEAK_KEY = "weak_key"
    BAD_SIGNATURE = "bad_signature"
    BAD_CLAIM = "bad_claim"
    BAD_ISSUER = "bad_issuer"
    BAD_AUDIENCE = "bad_audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    NOT_BOUND = "not_bound"
    BINDING_UNCHECKED = "binding_unchecked"
    CERTIFICATE_NOT_SHOWN = "certificate_not_shown"
    CERTIFICATE_MISSING = "certificate_missing"
    CERTIFICATE_MISMATCH = "certificate_mismatch"
    PROOF_MISSING = "dpop_missing"
    BAD_PROOF = "bad_dpop_proof"
    PROOF_KEY = "dpop_wrong_key"
    PROOF_MISMATCH = "dpop_mismatch"
    PROOF_STALE = "dpop_not_fresh"
    PROOF_REPLAYED = "dpop_replayed"
    INACTIVE = "inactive"


_SENTENCES = {
    TokenFault.MALFORMED: "the token is not a well-formed signed JWT",
    TokenFault.TOO_LARGE: "the token is larger than allowed",
    TokenFault.BAD_HEADER: "the token's header holds something that is not accepted",
    TokenFault.UNSUPPORTED_ALG: "the token's algorithm is not accepted",
    TokenFault.WRONG_TOKEN_TYPE: "the token is of a type that does not grant access",
    TokenFault.UNKNOWN_KEY: "no key of the issuer fits the token",
    TokenFault.WEAK_KEY: "the issuer's key for this token is not safe to use",
    TokenFault.BAD_SIGNATURE: "the token's signature does not verify",
    TokenFault.BAD_CLAIM: "a claim of the token is missing, malformed or not accepted",
    TokenFault.BAD_ISSUER: "the token's issuer is not accepted",
    TokenFault.BAD_AUDIENCE: "the token is meant for another audience",
    TokenFault.EXPIRED: "the token has expired",
    TokenFault.NOT_YET_VALID: "the token is not valid yet",
    TokenFault.NOT_BOUND: "the token is not bound to its sender",
    TokenFault.BINDING_UNCHECKED: "the token is bound to its sender, which is not checked here",
    TokenFault.CERTIFICATE_NOT_SHOWN: "the gateway does not show the client's certificate",
    TokenFault.CERTIFICATE_MISSING: "the token is bound to a certificate, and there is none",
    TokenFault.CERTIFICATE_MISMATCH: "the token is bound to another certificate",
    TokenFault.PROOF_MISSING: "the token is bound to a key, and must come with a proof by DPoP",
    TokenFault.BAD_PROOF: "the DPoP proof is malformed or does not verify",
    TokenFault.PROOF_KEY: "the DPoP proof was made by another key than the token's",
    TokenFault.PROOF_MISMATCH: "the DPoP proof is for another request or token",
    TokenFault.PROOF_STALE: "the DPoP proof was not made lately",
    TokenFault.PROOF_REPLAYED: "the DPoP proof was used before",
    TokenFault.INACTIVE: "the issuer says that the token is not active",
}


class TokenRefused(GatepassError):
    """The token itself is at fault; who presents it must get another one."""

    def __init__(self, fault: TokenFault) -> None:
        super().__init__(fault.value, _SENTENCES[fault])
        self.fault = fault


class TooManyProofs(GatepassError):
    """There is no room to remember one more proof, so that it could be used twice."""

    def __init__(self) -> None:
        super().__init__("overloaded", "too many proofs were used lately")


class KeySourceUnavailable(GatepassError):
    """The issuer's keys cannot be had right now; says nothing about the token.

    `detail` is a fixed word for operators ("timeout", "redirect", "not a key set", ...), never
    text from the wire.
    """

    def __init__(self, detail: str) -> None:
        super().__init__("jwks_error", "the issuer's keys are not available")
        self.detail = detail


class IntrospectionUnavailable(GatepassError):
    """Its issuer does not say right now whether an opaque token is good; `detail` as above."""

    def __init__(self, detail: str) -> None:
        super().__init__("introspection_error", "the issuer does not say whether the token is good")
        self.detail = detail


class ConfigurationError(GatepassError):
    """The settings cannot be right; `problems` lists everything that is wrong, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("configuration_error", "\n".join(problems))
        self.problems = tuple(problems)
