"""The settings of claims, roles and teams: what they mean, and what can only be a mistake."""

import pytest

from gatepass.plugin.settings import compile_settings
from gatepass.plugin.settings.claims import IdClaim
from gatepass.rbac.claims import ClaimPath
from gatepass.rbac.policy import Policy
from gatepass.rbac.roles import Precedence, Role, RoleMapping, RoleRules
from gatepass.rbac.routes import ALL_ROUTES
from gatepass.rbac.teams import Fallback, TeamRules
from support.settings import ISSUER, sentences_of, settings_with

LENIENT = "teams.unknown_claim_falls_back"
SHAPES: dict[str, object] = {
    "claims": {"team_alias": "dept", "organization_alias": "company", "object_id": "oid"},
    "separators": {"teams": "comma", "roles": "space"},
    "numbers_as_ids": ["user", "teams"],
}


def policy(**sections: object) -> Policy:
    return compile_settings(settings_with(**sections)).policy


def test_what_claims_are_called_and_what_shapes_they_may_have() -> None:
    settings = settings_with(
        issuers=[{**ISSUER, **SHAPES}], roles={"mappings": [{"value": "a", "role": "team"}]}
    )
    names = compile_settings(settings).policy.claim_names[str(ISSUER["issuer"])]
    assert names.team_alias == (ClaimPath("dept", ()),)
    assert names.organization_alias == (ClaimPath("company", ()),)
    assert names.object_id == (ClaimPath("oid", ()),)
    assert names.separators == {"teams": ",", "roles": " "}
    assert names.numbers_as_ids == {"user", "teams"}


def test_sec_17_no_shapes_are_accepted_by_default() -> None:
    names = policy().claim_names[str(ISSUER["issuer"])]
    assert (names.separators, names.numbers_as_ids) == ({}, frozenset())
    assert (names.team_alias, names.organization_alias, names.object_id) == ((), (), ())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"separators": {"teams": ","}}, "separators.teams: must be one of comma, space"),
        ({"separators": {"user": "comma"}}, "separators.user: must be one of teams, roles"),
        (
            {"numbers_as_ids": ["email"]},
            f"numbers_as_ids[0]: must be one of {', '.join(IdClaim)}",
        ),
        ({"groups_resolver": "groups"}, "groups_resolver: write it like package.module:function"),
        ({"groups_deadline": "0s"}, "groups_deadline: must be from 1s to 1m"),
        (
            {"claims": {"object_id": "oid"}},
            "claims.object_id: means nothing without roles.mappings: the role says whose id it is",
        ),
    ],
)
def test_what_can_only_be_a_mistake_of_an_issuer(fields: dict[str, object], sentence: str) -> None:
    assert sentences_of(issuers=[{**ISSUER, **fields}]) == [f"issuers[0].{sentence}"]


def test_roles() -> None:
    roles = {
        "admin_scope": "gatepass_admin",
        "mappings": [{"value": "llm-*", "role": "internal_user"}],
        "precedence": "highest",
        "allowed": ["dev", "ops"],
        "require_role": True,
    }
    assert policy(roles=roles).roles == RoleRules(
        "gatepass_admin",
        (RoleMapping("llm-*", Role.INTERNAL_USER),),
        Precedence.HIGHEST,
        frozenset({"dev", "ops"}),
        required=True,
    )


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer", "org_admin"])
@pytest.mark.parametrize("value", ["*", "**"])
def test_sec_56_no_mapping_makes_an_admin_of_everybody(role: str, value: str) -> None:
    assert sentences_of(roles={"mappings": [{"value": value, "role": role}]}) == [
        "roles.mappings[0].value: would make an admin of whoever has any role"
    ]
    harmless = [{"value": value, "role": "internal_user"}, {"value": "llm*", "role": role}]
    assert len(policy(roles={"mappings": harmless}).roles.mappings) == 2


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer", "org_admin"])
@pytest.mark.parametrize(
    "value", ["a*", "*a", "*a*", "a*b", "**ab", "*admin*", "*-admin-*", "*ab*c*"]
)
def test_sec_56_a_mapping_that_makes_admins_says_whom_it_means(role: str, value: str) -> None:
    (sentence,) = sentences_of(roles={"mappings": [{"value": value, "role": role}]})
    assert sentence == (
        "roles.mappings[0].value: too wide for an admin: write 3 characters or more beside the *, "
        "and * at one end at most"
    )
    assert policy(roles={"mappings": [{"value": value, "role": "internal_user"}]}).roles.mappings


@pytest.mark.parametrize("value", ["llm-*", "*-admins", "llm-*-admins", "a*b-*c", "a", "it"])
def test_a_mapping_that_makes_admins_may_have_stars(value: str) -> None:
    assert policy(roles={"mappings": [{"value": value, "role": "proxy_admin"}]}).roles.mappings


def test_a_precedence_that_there_is_not() -> None:
    assert sentences_of(roles={"precedence": "lowest"}) == [
        "roles.precedence: must be one of first, highest"
    ]


def test_teams() -> None:
    teams = {"default": "everybody", "fallback": "memberships", "required": True}
    assert policy(teams=teams).teams == TeamRules("everybody", Fallback.MEMBERSHIPS, required=True)
    lenient = {"unknown_claim_falls_back": True, "fallback": "single_membership"}
    assert policy(teams=lenient).teams == TeamRules(
        None, Fallback.SINGLE_MEMBERSHIP, unknown_falls_back=True
    )
    assert policy().teams == TeamRules()


@pytest.mark.parametrize(
    ("teams", "sentence"),
    [
        (
            {"fallback": "member"},
            "teams.fallback: must be one of none, single_membership, memberships",
        ),
        (
            {"unknown_claim_falls_back": True, "upsert": True},
            f"{LENIENT}: contradicts upsert, which makes a team that is unknown",
        ),
    ],
)
def test_what_can_only_be_a_mistake_of_teams(teams: dict[str, object], sentence: str) -> None:
    assert sentences_of(teams=teams) == [sentence]


def test_routes_of_teams() -> None:
    def routes(**fields: object) -> object:
        return policy(profiles={"p": fields}).profiles["p"].team_routes

    assert routes() is ALL_ROUTES
    listed = policy(profiles={"p": {"team_routes": ["/v1/models"]}}).profiles["p"].team_routes
    assert listed.allows("GET", "/v1/models")
    assert not listed.allows("POST", "/v1/chat/completions")
    none = policy(profiles={"p": {"team_routes": []}}).profiles["p"].team_routes
    assert not none.allows("GET", "/v1/models")
