"""The explanation of a decision: each rule by its place, up to the first that refuses."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from gatepass.rbac.catalog import ModelCatalog
from gatepass.rbac.checks import Call
from gatepass.rbac.errors import AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS, compile_models
from gatepass.rbac.organizations import OrganizationUse
from gatepass.rbac.policy import Policy, Profile
from gatepass.rbac.principals import EndUser, Member, Organization, Principals, Team, User
from gatepass.rbac.roles import Role, RoleMapping, RoleRules
from gatepass.rbac.routes import compile_routes
from gatepass.rbac.rules_read import NOTHING_ADMITS, Asked, Asker, RuleRead, rules_read
from gatepass.rbac.scopes import ScopeGrants, ScopeMapping
from gatepass.rbac.standing import standing_of
from support.callers import SOMEBODY, permission, profile

CHAT = "/v1/chat/completions"
CATALOG = ModelCatalog({"beta": ("gpt-5*",)}, {"fast": "gpt-4o"})
ROLES = RoleRules("boss", (RoleMapping("x", Role.TEAM), RoleMapping("dev*", Role.INTERNAL_USER)))
GPT = CATALOG.bind(compile_models(["claude-*", "beta", "gpt-4*"]))
RULES = profile(
    {
        Role.INTERNAL_USER: permission("/v1/models", "openai_routes", models=GPT),
        Role.PROXY_ADMIN: permission("*"),
    }
)


def policy(rules: Profile = RULES, scopes: ScopeGrants | None = None) -> Policy:
    return Policy({"default": rules}, {}, ROLES, catalog=CATALOG, scopes=scopes or ScopeGrants())


def read(  # noqa: PLR0913 - who, by which rules, and what they ask
    rows: Principals | None = None,
    *,
    rules: Profile = RULES,
    scopes: ScopeGrants | None = None,
    identity: Identity = SOMEBODY,
    models: Sequence[str] | None = ("gpt-4o",),
    call: Call | None = None,
    path: str = CHAT,
) -> list[tuple[str, str, bool]]:
    by = policy(rules, scopes)
    principals = rows or Principals(user=User("ann", ALL_MODELS))
    asker = Asker(identity, principals, standing_of(by, identity, principals))
    found = rules_read(by, asker, Asked(rules, "POST", path, models, call))
    return [(rule.place, rule.entry, rule.admits) for rule in found]


def test_every_rule_of_a_plain_caller_has_its_place_in_the_settings_or_its_row() -> None:
    assert read() == [
        ("roles", "internal_user: no scope, mapping or row says another", True),
        ("profiles.default.permissions.internal_user.routes[1]", "openai_routes", True),
        ("profiles.default.permissions.internal_user.models[2]", "gpt-4o: gpt-4*", True),
        ("users row ann models", "gpt-4o: all", True),
    ]


def test_the_rows_of_a_team_bind_and_are_named() -> None:
    rows = Principals(
        user=User("ann", compile_models(["never-read"])),
        team=Team("t1", compile_models(["o1", "gpt-4o"])),
        member=Member(compile_models(["gpt-*"])),
        end_user=EndUser("c1", compile_models(["gpt-4*"])),
        organization=Organization("o1", compile_models(["claude-*"])),
    )
    assert read(rows)[3:] == [
        ("teams row t1 models[1]", "gpt-4o: gpt-4o", True),
        ("memberships row ann in t1 models[0]", "gpt-4o: gpt-*", True),
        ("end_users row c1 models[0]", "gpt-4o: gpt-4*", True),
        ("organizations row o1 models", f"gpt-4o: {NOTHING_ADMITS}", False),
    ]


@pytest.mark.parametrize(
    ("identity", "rows", "place", "entry"),
    [
        (
            changed(SOMEBODY, scopes=frozenset({"boss"}), role=Role.PROXY_ADMIN),
            Principals(user=User("ann", ALL_MODELS)),
            "roles.admin_scope",
            "boss",
        ),
        (
            changed(SOMEBODY, roles=("developer",), role=Role.INTERNAL_USER),
            Principals(user=User("ann", ALL_MODELS, role=Role.PROXY_ADMIN)),
            "roles.mappings[1]",
            "dev*: internal_user",
        ),
        (
            SOMEBODY,
            Principals(user=User("ann", ALL_MODELS, role=Role.PROXY_ADMIN)),
            "users row ann role",
            "proxy_admin",
        ),
        (
            SOMEBODY,
            Principals(),
            "roles",
            "internal_user: no scope, mapping or row says another",
        ),
    ],
)
def test_the_role_comes_from_somewhere(
    identity: Identity, rows: Principals, place: str, entry: str
) -> None:
    assert read(rows, identity=identity)[0] == (place, entry, True)


def test_a_route_that_no_entry_names_ends_the_list() -> None:
    place = "profiles.default.permissions.internal_user.routes"
    assert read(path="/key/generate")[1:] == [(place, NOTHING_ADMITS, False)]
    nobody = profile({Role.TEAM: permission("*")})
    refused = ("profiles.default.permissions", "internal_user is not there", False)
    assert read(rules=nobody)[1:] == [refused]


def test_the_routes_of_teams_and_of_the_admin_scope_are_named_where_they_bind() -> None:
    bounded = replace(
        RULES,
        team_routes=compile_routes(["/v1/embeddings", CHAT], {}),
        admin_scope_routes=compile_routes(["/key/generate"], {}),
    )
    team = Principals(user=User("ann", ALL_MODELS), team=Team("t1", ALL_MODELS))
    assert read(team, rules=bounded, models=None)[2:] == [
        ("profiles.default.team_routes[1]", CHAT, True)
    ]
    admin = changed(SOMEBODY, scopes=frozenset({"boss"}), role=Role.PROXY_ADMIN)
    assert read(rules=bounded, identity=admin)[-1] == (
        "profiles.default.admin_scope_routes",
        NOTHING_ADMITS,
        False,
    )


def test_scopes_are_named_by_the_mapping_that_grants() -> None:
    some = compile_routes([CHAT], {})
    scopes = ScopeGrants(
        enforce_models=True,
        enforce_routes=True,
        mappings=(
            ScopeMapping("not-held", ALL_MODELS, some),
            ScopeMapping("llm", compile_models(["gpt-4o"]), some),
        ),
    )
    held = changed(SOMEBODY, scopes=frozenset({"llm"}))
    found = read(scopes=scopes, identity=held)
    assert found.count(("scopes.mappings[1]", "llm", True)) == 2
    refused = ("scopes.mappings", "no scope of the token grants this", False)
    assert read(scopes=scopes, identity=held, models=["gpt-5"])[-1] == refused
    assert read(scopes=scopes)[-1] == refused
    loose = replace(scopes, enforce_routes=False)
    assert ("scopes.mappings[1]", "llm", True) in read(scopes=loose, identity=held)


def test_an_alias_is_followed_where_it_stands() -> None:
    assert read(models=["fast"])[2] == ("model_aliases.fast", "fast: gpt-4o", True)
    own = Team("t1", compile_models(["nothing-else"]), model_aliases={"ours": "gpt-4o"})
    found = read(Principals(user=User("ann", ALL_MODELS), team=own), models=["ours"])
    assert found[2] == ("teams row t1 model_aliases", "ours: gpt-4o", True)
    assert found[-1] == ("teams row t1 models", "gpt-4o: an alias", True)


def test_an_access_group_is_one_entry() -> None:
    place = "profiles.default.permissions.internal_user.models[1]"
    assert read(models=["gpt-5-nano"])[2] == (place, "gpt-5-nano: beta", True)


@pytest.mark.parametrize(
    ("call", "rules", "team", "place"),
    [
        (
            Call(lacks_user=True),
            replace(RULES, require_user_parameter=True),
            None,
            "profiles.default.require_user_parameter",
        ),
        (
            Call(changes_guardrails=True),
            RULES,
            None,
            "profiles.default.allow_guardrail_changes",
        ),
        (
            Call(changes_guardrails=True),
            RULES,
            Team("t1", ALL_MODELS),
            "teams row t1 may_modify_guardrails",
        ),
        (
            Call(organization_use=OrganizationUse.ADMINISTERS),
            RULES,
            None,
            "users row ann organizations",
        ),
    ],
)
def test_what_refuses_beside_routes_and_models_is_named(
    call: Call, rules: Profile, team: Team | None, place: str
) -> None:
    rows = Principals(user=User("ann", ALL_MODELS), team=team)
    assert read(rows, rules=rules, call=call)[-1][0::2] == (place, False)
    assert all(admits for _, _, admits in read(rows, rules=rules, call=Call()))


@pytest.mark.parametrize(
    ("late", "place"),
    [
        (AccessFault.EMAIL_DOMAIN_DENIED, "users.email_domains"),
        (AccessFault.CUSTOM_CHECK_DENIED, "checks.custom"),
    ],
)
def test_what_refuses_the_caller_after_all_else_is_named(late: AccessFault, place: str) -> None:
    rows = Principals(user=User("ann", ALL_MODELS))
    standing = changed(standing_of(policy(), SOMEBODY, rows), late=late)
    found = rules_read(
        policy(), Asker(SOMEBODY, rows, standing), Asked(RULES, "POST", CHAT, (), Call())
    )
    assert found[-1] == RuleRead(place, late, admits=False)
