"""The choice among several teams: the first that may use the route and the models."""

import pytest
from msgspec.structs import replace

from gatepass.plugin.budgets.applicable import NO_LIMITS
from gatepass.plugin.decision import Caller
from gatepass.plugin.known_caller import KnownCaller, Life, who_acts, who_may_call
from gatepass.plugin.naming import Naming
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.models import compile_models
from gatepass.rbac.policy import Policy
from gatepass.rbac.principals import Principals, Team
from gatepass.rbac.roles import Role, RoleRules
from gatepass.rbac.scopes import ScopeGrants
from gatepass.rbac.standing import standing_of
from support.callers import SOMEBODY, permission, profile

CHAT = "/v1/chat/completions"
FILES = "/v1/files"
RULES = profile(
    {
        Role.TEAM: permission(CHAT, FILES, models=compile_models(["gpt-*", "o3"])),
        Role.INTERNAL_USER: permission(CHAT),
    }
)


def acting(team_id: str, *models: str, role: Role = Role.TEAM, alias: str = "") -> KnownCaller:
    aliases = {alias: models[0]} if alias else {}
    rows = Principals(team=Team(team_id, compile_models(models), model_aliases=aliases))
    identity = replace(SOMEBODY, role=role)
    standing = standing_of(Policy({}, {}, RoleRules()), identity, rows)
    return KnownCaller(
        Caller(identity, rows, standing.role),
        (),
        NO_LIMITS,
        standing,
        model_decides=True,
        life=Life(0),
    )


def caller(*teams: KnownCaller, barred: AccessFault | None = None) -> KnownCaller:
    return replace(teams[0], others=teams[1:], barred=barred)


def decide(known: KnownCaller, model: str, path: str = CHAT) -> str:
    """Return the id of the team that counts, or the fault."""
    try:
        fitting = who_may_call(known, RULES, "POST", path)
        found, naming = who_acts(fitting, "POST", path, Naming((model,), None, 0))
    except AccessDenied as denied:
        return denied.code
    assert naming.models == (found.standing.aliases.get(model, model),)
    assert found.caller.principals.team is not None
    return found.caller.principals.team.team_id


def test_the_first_team_that_may_use_the_model_counts() -> None:
    known = caller(acting("a", "gpt-4o"), acting("b", "gpt-*"), acting("c", "gpt-4o-mini", "o3"))
    assert decide(known, "gpt-4o") == "a"
    assert decide(known, "gpt-4o-mini") == "b"
    assert decide(known, "o3") == "c"
    assert decide(known, "o1") == "model_denied"


def test_the_first_team_that_may_use_the_route_counts() -> None:
    known = caller(acting("a", "gpt-4o", role=Role.INTERNAL_USER), acting("b", "gpt-4o"))
    assert decide(known, "gpt-4o") == "a"
    assert decide(known, "gpt-4o", FILES) == "b"
    assert decide(known, "gpt-4o", "/v1/other") == "route_denied"


def test_an_alias_is_what_each_team_means_by_it() -> None:
    known = caller(acting("a", "o1"), acting("b", "gpt-4o", alias="fast"))
    assert decide(known, "fast") == "b"
    swapped = caller(acting("b", "gpt-4o", alias="fast"), acting("a", "o1"))
    assert decide(swapped, "fast") == "b"


def test_none_of_several_and_the_first_says_why() -> None:
    by_route, by_model = acting("a", "gpt-4o", role=Role.INTERNAL_USER), acting("b", "o3")
    assert decide(caller(by_route, by_model), "gpt-4o", FILES) == "route_denied"
    assert decide(caller(by_model, by_route), "gpt-4o", FILES) == "model_denied"
    blocked = AccessFault.TEAM_BLOCKED
    assert decide(caller(by_model, by_route, barred=blocked), "gpt-4o", FILES) == blocked
    assert decide(caller(by_route, barred=blocked), "gpt-4o", FILES) == blocked
    assert decide(caller(by_route, by_route, barred=blocked), "x", FILES) == blocked
    assert decide(caller(by_model, barred=blocked), "gpt-4o") == blocked


def test_a_barred_first_team_is_passed_over_where_another_may() -> None:
    known = caller(acting("b", "gpt-4o"), barred=AccessFault.TEAM_BLOCKED)
    assert decide(known, "gpt-4o") == "b"


def test_a_single_team_whose_models_are_others_is_refused() -> None:
    fitting = who_may_call(acting("a", "o3"), RULES, "POST", CHAT)
    with pytest.raises(AccessDenied) as denied:
        who_acts(fitting, "POST", CHAT, Naming(("gpt-4o",), None, 0))
    assert denied.value.fault is AccessFault.MODEL_DENIED


def test_models_must_be_known_when_one_of_several_teams_needs_them() -> None:
    everything = profile({Role.TEAM: permission(CHAT)})
    free = replace(acting("a", "all-proxy-models"), model_decides=False)
    bound = acting("b", "gpt-4o")
    for teams, decides in (((free,), False), ((free, bound), True), ((free, free), False)):
        fitting = who_may_call(caller(*teams), everything, "POST", CHAT)
        assert fitting.model_decides is decides
    assert who_may_call(caller(free), RULES, "POST", CHAT).model_decides


@pytest.mark.parametrize("barred", [None, AccessFault.TEAM_BLOCKED])
def test_scopes_bind_for_every_team(barred: AccessFault | None) -> None:
    team = acting("a", "o3")
    standing = replace(team.standing, scopes=ScopeGrants(enforce_routes=True))
    scoped = replace(team, standing=standing)
    assert decide(caller(scoped, scoped, barred=barred), "o3") == (barred or "scope_denied")
