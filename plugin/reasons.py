"""Every answer that Gatepass gives, in one table; docs/reasons.md is printed from it.

A client learns the code and the sentence; both are fixed. 400 the request is malformed · 401 get
another token · 403 a good token that may not · 413 and 431 too much · 429 budget · 503 we do not
know.
"""

from enum import Enum


class Reason(Enum):
    """A stable code with its HTTP status and its fixed sentence for the client."""

    ALLOWED = ("allowed", 200, "Allowed.")

    AMBIGUOUS_PATH = ("ambiguous_path", 400, "The request path can be read in more than one way.")
    BAD_METHOD = ("bad_method", 400, "The request method is malformed or overridden by a header.")
    UPGRADE_DENIED = ("upgrade_denied", 400, "A WebSocket cannot be judged and is not let through.")
    BAD_HEADER_VALUE = ("bad_header_value", 400, "A header that decides holds forbidden bytes.")
    TWO_TOKENS = ("two_tokens", 400, "More than one credential was sent.")
    IDENTITY_HEADER_SENT = (
        "identity_header_sent",
        400,
        "A header that only the gateway may set was sent by the client.",
    )
    BODY_NOT_SHOWN = (
        "body_not_shown",
        400,
        "A rule needs the request body and the gateway did not show it.",
    )
    BODY_NOT_JSON = (
        "body_not_json",
        400,
        "The request body is not the JSON object that is needed.",
    )
    MODEL_MISSING = ("model_missing", 400, "The request names no model.")
    USER_PARAMETER_MISSING = (
        "user_parameter_missing",
        400,
        "The request does not say for which user it is.",
    )

    NO_TOKEN = ("no_token", 401, "A bearer token is needed.")
    MALFORMED = ("malformed", 401, "The token is malformed.")
    TOO_LARGE = ("too_large", 401, "The token is too large.")
    BAD_HEADER = ("bad_header", 401, "The token's header is not accepted.")
    UNSUPPORTED_ALG = ("unsupported_alg", 401, "The token's algorithm is not accepted.")
    WRONG_TOKEN_TYPE = ("wrong_token_type", 401, "The token is of the wrong type.")
    UNKNOWN_KEY = ("unknown_key", 401, "The token was signed by an unknown key.")
    WEAK_KEY = ("weak_key", 401, "The token was signed by a key that is not safe.")
    BAD_SIGNATURE = ("bad_signature", 401, "The token's signature does not verify.")
    BAD_CLAIM = (
        "bad_claim",
        401,
        "A claim of the token is missing, malformed or not accepted.",
    )
    BAD_ISSUER = ("bad_issuer", 401, "The token's issuer is not accepted.")
    BAD_AUDIENCE = ("bad_audience", 401, "The token is meant for another audience.")
    EXPIRED = ("expired", 401, "The token has expired.")
    NOT_YET_VALID = ("not_yet_valid", 401, "The token is not valid yet.")
    NOT_BOUND = ("not_bound", 401, "The token is not bound to its sender.")
    BINDING_UNCHECKED = (
        "binding_unchecked",
        401,
        "The token is bound to its sender in a way that is not checked here.",
    )
    CERTIFICATE_NOT_SHOWN = (
        "certificate_not_shown",
        401,
        "The token is bound to a certificate, and the gateway shows none.",
    )
    CERTIFICATE_MISSING = (
        "certificate_missing",
        401,
        "The token is bound to a certificate, and the client showed none.",
    )
    CERTIFICATE_MISMATCH = (
        "certificate_mismatch",
        401,
        "The token is bound to another certificate.",
    )
    DPOP_MISSING = (
        "dpop_missing",
        401,
        "The token is bound to a key; send it by the scheme DPoP, with a proof.",
    )
    BAD_DPOP_PROOF = ("bad_dpop_proof", 401, "The DPoP proof is malformed or does not verify.")
    DPOP_WRONG_KEY = (
        "dpop_wrong_key",
        401,
        "The DPoP proof was made by another key than the token's.",
    )
    DPOP_MISMATCH = ("dpop_mismatch", 401, "The DPoP proof is for another request or token.")
    DPOP_NOT_FRESH = ("dpop_not_fresh", 401, "The DPoP proof was not made lately.")
    DPOP_REPLAYED = ("dpop_replayed", 401, "The DPoP proof was used before.")
    INACTIVE = ("inactive", 401, "The issuer says that the token is not active.")

    NO_IDENTITY = ("no_identity", 403, "The token names neither a user nor a team.")
    NO_ROLE = ("no_role", 403, "The token says no role that is accepted.")
    ROUTE_DENIED = ("route_denied", 403, "The caller may not call this route.")
    MODEL_DENIED = ("model_denied", 403, "The caller may not use this model.")
    SCOPE_DENIED = (
        "scope_denied",
        403,
        "The token's scopes do not cover this route or model.",
    )
    GUARDRAILS_DENIED = ("guardrails_denied", 403, "The caller may not change guardrails.")
    ORGANIZATION_DENIED = (
        "organization_denied",
        403,
        "The caller does not administer this organization.",
    )
    ADMINISTRATION_DENIED = (
        "administration_denied",
        403,
        "The caller may not see or change this.",
    )
    EMAIL_DOMAIN_DENIED = (
        "email_domain_denied",
        403,
        "The caller's e-mail address is of no accepted domain.",
    )
    CUSTOM_CHECK_DENIED = (
        "custom_check_denied",
        403,
        "The check of this deployment refuses the caller.",
    )
    PARAMETER_DENIED = ("parameter_denied", 403, "A parameter of the request is not allowed.")
    USER_UNKNOWN = ("user_unknown", 403, "The user is not provisioned.")
    USER_BLOCKED = ("user_blocked", 403, "The user is blocked.")
    TEAM_UNKNOWN = ("team_unknown", 403, "The team is not provisioned.")
    TEAM_BLOCKED = ("team_blocked", 403, "The team is blocked.")
    TEAM_NOT_YOURS = ("team_not_yours", 403, "The chosen team is not one of the caller's.")
    TEAM_AMBIGUOUS = ("team_ambiguous", 403, "Two teams have the name that was given.")
    TEAM_MISSING = ("team_missing", 403, "A team is needed, and there is none for the caller.")
    ORGANIZATION_UNKNOWN = ("organization_unknown", 403, "The organization is not provisioned.")
    ORGANIZATION_BLOCKED = ("organization_blocked", 403, "The organization is blocked.")
    END_USER_BLOCKED = ("end_user_blocked", 403, "The end user is blocked.")
    IDENTITY_DENIED = ("identity_denied", 403, "The identity cannot be matched to an account.")
    BAD_IDENTITY_CLAIM = ("bad_identity_claim", 403, "A claim that names the caller is malformed.")
    GROUPS_OVERAGE = (
        "groups_overage",
        403,
        "The token leaves out the caller's groups: they are too many.",
    )
    FILE_NOT_SHOWN = (
        "file_not_shown",
        403,
        "What is asked for stands in a file, and models or budgets are limited for the caller.",
    )
    PRICE_UNKNOWN = (
        "price_unknown",
        403,
        "The model has no price, and money or tokens are limited for the caller.",
    )

    BODY_TOO_LARGE = ("body_too_large", 413, "The request body is larger than allowed.")
    BUDGET_EXCEEDED = ("budget_exceeded", 429, "A budget that applies to the caller is used up.")
    HEADERS_CUT = ("headers_cut", 431, "The request has more headers than the gateway can show.")

    JWKS_ERROR = ("jwks_error", 503, "The issuer's keys are not available.")
    INTROSPECTION_ERROR = (
        "introspection_error",
        503,
        "The issuer does not say whether the token is good.",
    )
    STORE_ERROR = ("store_error", 503, "The store is not available.")
    CUSTOM_CHECK_FAILED = (
        "custom_check_failed",
        503,
        "The check of this deployment does not answer.",
    )
    GROUPS_NOT_RESOLVED = (
        "groups_not_resolved",
        503,
        "The groups that the token leaves out cannot be found out.",
    )
    BUDGET_NOT_COUNTED = (
        "budget_not_counted",
        503,
        "A budget applies to the caller and is not counted here.",
    )
    DEADLINE = ("deadline", 503, "The decision took too long.")
    PROFILE_UNKNOWN = (
        "profile_unknown",
        503,
        "The gateway asked for a profile that does not exist.",
    )
    UNTRUSTED_PROXY = (
        "untrusted_proxy",
        503,
        "The decision service was not asked by a known proxy.",
    )
    GATEWAY_ERROR = (
        "gateway_error",
        503,
        "What the gateway says of the request could not be read.",
    )
    OVERLOADED = ("overloaded", 503, "Too many requests are being decided.")
    INTERNAL = ("internal_error", 503, "The decision could not be made.")

    def __init__(self, code: str, status: int, sentence: str) -> None:
        self.code = code
        self.status = status
        self.sentence = sentence


REASON_BY_CODE = {reason.code: reason for reason in Reason}
"""Every code an error of ours can carry leads to its Reason; anything else is INTERNAL."""
