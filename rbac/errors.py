"""Why a caller with a good token may still not do what they ask."""

from enum import StrEnum

from gatepass.jwks.errors import GatepassError


class AccessFault(StrEnum):
    """Why access is denied; the value is the stable code."""

    AMBIGUOUS_PATH = "ambiguous_path"
    NO_IDENTITY = "no_identity"
    ROUTE_DENIED = "route_denied"
    MODEL_DENIED = "model_denied"
    USER_UNKNOWN = "user_unknown"
    USER_BLOCKED = "user_blocked"
    TEAM_UNKNOWN = "team_unknown"
    TEAM_BLOCKED = "team_blocked"
    TEAM_NOT_YOURS = "team_not_yours"
    ORGANIZATION_UNKNOWN = "organization_unknown"
    ORGANIZATION_BLOCKED = "organization_blocked"
    END_USER_BLOCKED = "end_user_blocked"
    IDENTITY_DENIED = "identity_denied"
    BAD_IDENTITY_CLAIM = "bad_identity_claim"


_SENTENCES = {
    AccessFault.AMBIGUOUS_PATH: "the path can be read in more than one way",
    AccessFault.NO_IDENTITY: "the token names neither a user nor a team",
    AccessFault.ROUTE_DENIED: "the caller's role may not call this route",
    AccessFault.MODEL_DENIED: "the caller may not use this model",
    AccessFault.USER_UNKNOWN: "the user is not provisioned",
    AccessFault.USER_BLOCKED: "the user is blocked",
    AccessFault.TEAM_UNKNOWN: "the team is not provisioned",
    AccessFault.TEAM_BLOCKED: "the team is blocked",
    AccessFault.TEAM_NOT_YOURS: "the chosen team is not one of the caller's",
    AccessFault.ORGANIZATION_UNKNOWN: "the organization is not provisioned",
    AccessFault.ORGANIZATION_BLOCKED: "the organization is blocked",
    AccessFault.END_USER_BLOCKED: "the end user is blocked",
    AccessFault.IDENTITY_DENIED: "the identity cannot be matched to an account",
    AccessFault.BAD_IDENTITY_CLAIM: "a claim that names the caller has the wrong shape",
}


class AccessDenied(GatepassError):
    """The token is good and the caller may not; logging in again would not help."""

    def __init__(self, fault: AccessFault) -> None:
        super().__init__(fault.value, _SENTENCES[fault])
        self.fault = fault
