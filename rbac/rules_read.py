"""Why may this caller do this, or why not? Each rule that was read, and where it stands.

For whoever asks: the rules of checks.py in the same order, read again one entry at a time, so that
the decision itself carries nothing for it. A place is written as in the settings
(`profiles.default.permissions.team.routes[0]`) or names a row (`teams row t1 models[2]`). The first
rule that admits nothing ends the list, as it ends the decision.

What refuses before anything is authorized has its own code, and no place here: a blocked row, no
role, no team. Money is not judged here either.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from gatepass.rbac.binding import BindingTable, binding_lists
from gatepass.rbac.catalog import ModelCatalog
from gatepass.rbac.checks import Call, check_call
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ModelRule
from gatepass.rbac.policy import Policy, Profile
from gatepass.rbac.principals import Principals
from gatepass.rbac.routes import ALL_ROUTES, RouteMatcher
from gatepass.rbac.standing import Standing

NOTHING_ADMITS = "nothing in it admits this"


class RuleRead(msgspec.Struct, frozen=True):
    """One rule: its place, what stands there, and whether it admits the request."""

    place: str
    entry: str
    admits: bool


class Asker(msgspec.Struct, frozen=True):
    """The caller acting for one team, or for none."""

    identity: Identity
    principals: Principals
    standing: Standing


class Asked(msgspec.Struct, frozen=True):
    """A request as far as rules look at it; `models` as they were named, None when not read yet.

    `call` is None when the request did not come that far.
    """

    profile: Profile
    method: str
    path: str
    models: Sequence[str] | None = None
    call: Call | None = None


def rules_read(policy: Policy, asker: Asker, asked: Asked) -> tuple[RuleRead, ...]:
    """Return the rules in the order in which they are read, up to the first that refuses."""
    return tuple(_up_to_refusal(_all_rules(policy, asker, asked)))


def _up_to_refusal(rules: Iterable[RuleRead]) -> Iterator[RuleRead]:
    for rule in rules:
        yield rule
        if not rule.admits:
            return


def _all_rules(policy: Policy, asker: Asker, asked: Asked) -> Iterator[RuleRead]:
    yield _role_rule(policy, asker)
    yield from _route_rules(policy, asker.standing, asked)
    for model in asked.models or ():
        yield from _model_rules(policy, asker, asked, model)
    if asked.call is not None:
        yield from _call_rules(asker, asked.profile, asked.call)


def _role_rule(policy: Policy, asker: Asker) -> RuleRead:
    rules, identity, user = policy.roles, asker.identity, asker.principals.user
    role = asker.standing.role
    if asker.standing.by_admin_scope:
        return RuleRead("roles.admin_scope", str(rules.admin_scope), admits=True)
    if identity.role is not None:
        at, value = next(
            (at, mapping.value)
            for at, mapping in enumerate(rules.mappings)
            if mapping.role is identity.role and mapping.matches(identity.roles)
        )
        return RuleRead(f"roles.mappings[{at}]", f"{value}: {role}", admits=True)
    if user is not None and user.role is not None:
        return RuleRead(f"users row {user.user_id} role", str(role), admits=True)
    return RuleRead("roles", f"{role}: no scope, mapping or row says another", admits=True)


def _route_rules(policy: Policy, standing: Standing, asked: Asked) -> Iterator[RuleRead]:
    place = f"profiles.{asked.profile.name}"
    permission = asked.profile.permissions.get(standing.role)
    if permission is None:
        yield RuleRead(f"{place}.permissions", f"{standing.role} is not there", admits=False)
    else:
        yield _route_rule(f"{place}.permissions.{standing.role}.routes", permission.routes, asked)
        yield from _bounding_rules(policy, standing, asked, place)


def _bounding_rules(
    policy: Policy, standing: Standing, asked: Asked, place: str
) -> Iterator[RuleRead]:
    """Yield what holds beside the role's own routes."""
    for binds, name, routes in (
        (standing.team_pays, "team_routes", asked.profile.team_routes),
        (standing.by_admin_scope, "admin_scope_routes", asked.profile.admin_scope_routes),
    ):
        if binds and routes is not ALL_ROUTES:
            yield _route_rule(f"{place}.{name}", routes, asked)
    if standing.scopes.enforce_routes:
        yield _scope_rule(policy, standing, asked, None)


def _route_rule(place: str, routes: RouteMatcher, asked: Asked) -> RuleRead:
    at = routes.first_that_allows(asked.method, asked.path)
    if at is None:
        return RuleRead(place, NOTHING_ADMITS, admits=False)
    return RuleRead(f"{place}[{at}]", routes.listed[at], admits=True)


def _scope_rule(policy: Policy, standing: Standing, asked: Asked, model: str | None) -> RuleRead:
    scopes = standing.scopes
    for at, mapping in enumerate(policy.scopes.mappings):
        if mapping not in scopes.mappings:
            continue
        on_route = not scopes.enforce_routes or mapping.routes.allows(asked.method, asked.path)
        if on_route and (model is None or mapping.models.allows(model)):
            return RuleRead(f"scopes.mappings[{at}]", mapping.scope, admits=True)
    return RuleRead("scopes.mappings", "no scope of the token grants this", admits=False)


def _model_rules(policy: Policy, asker: Asker, asked: Asked, named: str) -> Iterator[RuleRead]:
    standing, catalog = asker.standing, policy.catalog
    model = standing.aliases.get(named, named)
    if model != named:
        yield RuleRead(
            _alias_place(policy, asker.principals, named), f"{named}: {model}", admits=True
        )
    permission = asked.profile.permissions[standing.role]
    place = f"profiles.{asked.profile.name}.permissions.{standing.role}.models"
    yield _model_rule(place, catalog, permission.models, model)
    if standing.scopes.enforce_models:
        yield _scope_rule(policy, standing, asked, model)
    for table, rule in binding_lists(asker.principals, catalog):
        place = f"{table} row {_row_id(table, asker.principals)} models"
        yield _model_rule(place, catalog, rule, model)


def _model_rule(place: str, catalog: ModelCatalog, rule: ModelRule, model: str) -> RuleRead:
    if not rule.allows(model):
        return RuleRead(place, f"{model}: {NOTHING_ADMITS}", admits=False)
    at = catalog.first_that_allows(rule, model)
    if at is not None:
        return RuleRead(f"{place}[{at}]", f"{model}: {rule.written[at]}", admits=True)
    return RuleRead(place, f"{model}: {'all' if rule.everything else 'an alias'}", admits=True)


def _alias_place(policy: Policy, principals: Principals, named: str) -> str:
    team = principals.team
    if team is not None and named in team.model_aliases:
        return f"teams row {team.team_id} model_aliases"
    return f"model_aliases.{named}" if named in policy.catalog.aliases else "model_aliases"


def _row_id(table: BindingTable, principals: Principals) -> str:
    """Return what the row of a list is found by; whatever binds is there."""
    team, user = principals.team, principals.user
    ids = {
        "teams": team and team.team_id,
        "users": user and user.user_id,
        "memberships": f"{user and user.user_id} in {team and team.team_id}",
        "end_users": principals.end_user and principals.end_user.end_user_id,
        "organizations": principals.organization and principals.organization.organization_id,
    }
    return str(ids[table])


_CALL_PLACES = {
    AccessFault.USER_PARAMETER_MISSING: "profiles.{profile}.require_user_parameter",
    AccessFault.GUARDRAILS_DENIED: "{guardrails}",
    AccessFault.ORGANIZATION_DENIED: "users row {user} organizations",
    AccessFault.EMAIL_DOMAIN_DENIED: "users.email_domains",
    AccessFault.CUSTOM_CHECK_DENIED: "checks.custom",
}


def _call_rules(asker: Asker, profile: Profile, call: Call) -> Iterator[RuleRead]:
    """Yield what refuses beside routes and models, if something does."""
    try:
        check_call(profile, asker.standing, call)
    except AccessDenied as denied:
        team, user = asker.principals.team, asker.principals.user
        guardrails = f"profiles.{profile.name}.allow_guardrail_changes"
        if team is not None:
            guardrails = f"teams row {team.team_id} may_modify_guardrails"
        place = _CALL_PLACES[denied.fault].format(
            profile=profile.name, guardrails=guardrails, user=user and user.user_id
        )
        yield RuleRead(place, denied.fault.value, admits=False)
