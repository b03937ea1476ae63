"""Why a caller with a good token may still not do what they ask."""

from enum import StrEnum

from gatepass.jwks.errors import GatepassError


class AccessFault(StrEnum):
    """Why access is denied; the value is the stable code."""

    AMBIGUOUS_PATH = "ambiguous_path"
    NO_IDENTITY = "no_identity"
    NO_ROLE = "no_role"
    ROUTE_DENIED = "route_denied"
    MODEL_DENIED = "model_denied"
    SCOPE_DENIED = "scope_denied"
    USER_PARAMETER_MISSING = "user_parameter_missing"
    GUARDRAILS_DENIED = "guardrails_denied"
    ORGANIZATION_DENIED = "organization_denied"
    ADMINISTRATION_DENIED = "administration_denied"
    EMAIL_DOMAIN_DENIED = "email_domain_denied"
    CUSTOM_CHECK_DENIED = "custom_check_denied"
    USER_UNKNOWN = "user_unknown"
    USER_BLOCKED = "user_blocked"
    TEAM_UNKNOWN = "team_unknown"
    TEAM_BLOCKED = "team_blocked"
    TEAM_NOT_YOURS = "team_not_yours"
    TEAM_AMBIGUOUS = "team_ambiguous"
    TEAM_MISSING = "team_missing"
    ORGANIZATION_UNKNOWN = "organization_unknown"
    ORGANIZATION_BLOCKED = "organization_blocked"
    END_USER_BLOCKED = "end_user_blocked"
    IDENTITY_DENIED = "identity_denied"
    BAD_IDENTITY_CLAIM = "bad_identity_claim"
    GROUPS_OVERAGE = "groups_overage"


_SENTENCES = {
    AccessFault.AMBIGUOUS_PATH: "the path can be read in more than one way",
    AccessFault.NO_IDENTITY: "the token names neither a user nor a team",
    AccessFault.NO_ROLE: "the token says no role that is accepted",
    AccessFault.ROUTE_DENIED: "the caller's role may not call this route",
    AccessFault.MODEL_DENIED: "the caller may not use this model",
    AccessFault.SCOPE_DENIED: "the token's scopes do not cover this route or model",
    AccessFault.USER_PARAMETER_MISSING: "the request does not say for which user it is",
    AccessFault.GUARDRAILS_DENIED: "the caller may not change guardrails",
    AccessFault.ORGANIZATION_DENIED: "the caller does not administer this organization",
    AccessFault.ADMINISTRATION_DENIED: "the caller may not see or change this",
    AccessFault.EMAIL_DOMAIN_DENIED: "the caller's e-mail address is of no accepted domain",
    AccessFault.CUSTOM_CHECK_DENIED: "the check of this deployment refuses the caller",
    AccessFault.USER_UNKNOWN: "the user is not provisioned",
    AccessFault.USER_BLOCKED: "the user is blocked",
    AccessFault.TEAM_UNKNOWN: "the team is not provisioned",
    AccessFault.TEAM_BLOCKED: "the team is blocked",
    AccessFault.TEAM_NOT_YOURS: "the chosen team is not one of the caller's",
    AccessFault.TEAM_AMBIGUOUS: "two teams have the name that was given",
    AccessFault.TEAM_MISSING: "a team is needed, and there is none for the caller",
    AccessFault.ORGANIZATION_UNKNOWN: "the organization is not provisioned",
    AccessFault.ORGANIZATION_BLOCKED: "the organization is blocked",
    AccessFault.END_USER_BLOCKED: "the end user is blocked",
    AccessFault.IDENTITY_DENIED: "the identity cannot be matched to an account",
    AccessFault.BAD_IDENTITY_CLAIM: "a claim that names the caller has the wrong shape",
    AccessFault.GROUPS_OVERAGE: "the token leaves out the caller's groups: they are too many",
}


class AccessDenied(GatepassError):
    """The token is good and the caller may not; logging in again would not help."""

    def __init__(self, fault: AccessFault) -> None:
        super().__init__(fault.value, _SENTENCES[fault])
        self.fault = fault
