"""Callers of our own making: verified tokens, identities and rules to judge them by."""

import time
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from gatepass.jwks.keyset import parse_key_set
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.rules import IssuerRules
from gatepass.jwks.token import VerifiedToken, parse_token, verify_token
from gatepass.rbac.checks import Call, check_call, check_models, check_route
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS, ModelRule
from gatepass.rbac.permissions import Permission
from gatepass.rbac.policy import Policy, Profile
from gatepass.rbac.principals import Principals
from gatepass.rbac.roles import Role, RoleRules
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import NO_ROUTES, compile_routes
from gatepass.rbac.standing import standing_of
from support.tokens import AUDIENCE, ISSUER, digest, key_set, signing_key

NOBODY = Identity(
    issuer=ISSUER,
    subject="user-1",
    user_id=None,
    email=None,
    email_verified=False,
    team=None,
    teams=(),
    organization=None,
    end_user=None,
    roles=(),
    scopes=frozenset(),
    role=None,
)
"""A good token that names neither a user nor a team."""

SOMEBODY = replace(NOBODY, user_id="user-1")


def verified(claims: Mapping[str, object] | None = None, issuer: str = ISSUER) -> VerifiedToken:
    """Return a token with these claims that has gone through real verification."""
    key = signing_key("EdDSA")
    token = key.token({"iss": issuer} | dict(claims or {}))
    return verify_token(
        parse_token(token, DEFAULT_LIMITS),
        IssuerRules(
            issuer=issuer, audiences=frozenset({AUDIENCE}), algorithms=frozenset({"EdDSA"})
        ),
        parse_key_set(key_set(key)),
        time.time(),
        digest(token),
    )


def authorize(  # noqa: PLR0913, PLR0917 - who, by which rules, and the three parts of a request
    rules: Profile,
    identity: Identity,
    principals: Principals,
    method: str,
    path: str,
    models: Sequence[str],
) -> Role:
    """Run the checks in the order that the Gate runs them, and return the role that counts."""
    standing = standing_of(Policy({"default": rules}, {}, RoleRules()), identity, principals)
    granted = check_route(rules, standing, method, path)
    check_models(granted, standing, method, path, models)
    check_call(rules, standing, Call())
    return standing.role


def permission(*routes: str, models: ModelRule = ALL_MODELS) -> Permission:
    return Permission(compile_routes(routes, ROUTE_GROUPS), models)


def profile(
    permissions: Mapping[Role, Permission],
    *,
    require_user_parameter: bool = False,
    allow_guardrail_changes: bool = False,
) -> Profile:
    return Profile(
        name="default",
        public_routes=NO_ROUTES,
        permissions=permissions,
        require_model=True,
        unseen_model_routes=NO_ROUTES,
        allowed_parameters=frozenset(),
        allow_token_upstream=False,
        require_user_parameter=require_user_parameter,
        allow_guardrail_changes=allow_guardrail_changes,
    )
