from dataclasses import fields, replace
from typing import Any

import pytest

from gatepass.rbac.claims import ClaimNames, compile_claim_path
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity, identify
from gatepass.rbac.overage import lacks_who
from gatepass.rbac.roles import Role, RoleMapping, RoleRules
from support.callers import NOBODY, verified
from support.tokens import ISSUER

NAMES = ClaimNames(
    user=(compile_claim_path("oid"), compile_claim_path("sub")),
    email=(compile_claim_path("email"),),
    team=(compile_claim_path("team_id"),),
    team_alias=(compile_claim_path("department"),),
    organization_alias=(compile_claim_path("company"),),
    teams=(compile_claim_path("groups"),),
    organization=(compile_claim_path("org.id"),),
    end_user=(compile_claim_path("customer"),),
    roles=(compile_claim_path("roles"), compile_claim_path("realm_access.roles")),
    scopes=(compile_claim_path("scope"), compile_claim_path("scp")),
)
RULES = RoleRules("gatepass_admin", (RoleMapping("viewers", Role.PROXY_ADMIN_VIEWER),))


def test_every_part_of_an_identity_has_its_claim() -> None:
    token = verified(
        {
            "sub": "subject",
            "oid": "user",
            "email": "Ann@corp.example",
            "email_verified": True,
            "team_id": "team",
            "department": "Alpha",
            "company": "Acme",
            "groups": ["g2", "g1"],
            "org": {"id": "organization"},
            "customer": "customer",
            "realm_access": {"roles": ["viewers"]},
            "scp": "openid email",
        }
    )
    assert identify(token, NAMES, RULES) == Identity(
        issuer=ISSUER,
        subject="subject",
        user_id="user",
        email="ann@corp.example",
        email_verified=True,
        team="team",
        teams=("g2", "g1"),
        organization="organization",
        end_user="customer",
        roles=("viewers",),
        scopes=frozenset({"openid", "email"}),
        role=Role.PROXY_ADMIN_VIEWER,
        organization_alias="Acme",
        teams_listed=True,
        team_alias="Alpha",
    )


@pytest.mark.parametrize(
    ("claims", "listed"),
    [({}, False), ({"groups": None}, False), ({"groups": []}, True), ({"groups": "g1"}, True)],
)
def test_a_list_of_teams_that_is_not_there_is_not_an_empty_one(
    claims: dict[str, object], *, listed: bool
) -> None:
    assert identify(verified(claims), NAMES, RULES).teams_listed is listed


def test_claims_without_a_name_in_the_settings_are_not_read() -> None:
    token = verified({"email": "ann@corp.example", "groups": 12, "roles": ["gatepass_admin"]})
    assert identify(token, ClaimNames(), RULES) == NOBODY


def test_a_machine_has_a_subject_and_no_user() -> None:
    names = ClaimNames(user=(compile_claim_path("preferred_username"),))
    identity = identify(verified({"sub": "service-7"}), names, RULES)
    assert (identity.subject, identity.user_id) == ("service-7", None)


def test_sec_54_the_same_subject_of_another_issuer_is_another_identity() -> None:
    ours = identify(verified({"sub": "a"}), NAMES, RULES)
    theirs = identify(verified({"sub": "a"}, issuer="https://other.example"), NAMES, RULES)
    assert (ours.subject, ours.user_id) == (theirs.subject, theirs.user_id)
    assert ours != theirs


@pytest.mark.parametrize("value", ["true", "false", 1, "1", [True], {}, False, None])
def test_sec_52_only_a_json_true_verifies_an_email(value: object) -> None:
    token = verified({"email": "ann@corp.example", "email_verified": value})
    assert not identify(token, NAMES, RULES).email_verified


@pytest.mark.parametrize(
    ("claims", "known"),
    [
        ({}, True),
        ({"xms_edov": True}, True),
        ({"xms_edov": False}, False),
        ({"xms_edov": 1}, False),
        ({"xms_edov": "true"}, False),
        ({"xms_edov": [True]}, False),
        ({"email_verified": False, "xms_edov": True}, False),
    ],
)
def test_sec_52_where_entra_says_it_too_both_words_must_agree(
    claims: dict[str, object], *, known: bool
) -> None:
    token = verified({"email": "ann@corp.example", "email_verified": True} | claims)
    assert identify(token, NAMES, RULES).email_verified is known


def test_sec_52_what_is_verified_is_the_claim_email_and_no_other() -> None:
    names = ClaimNames(email=(compile_claim_path("upn"), compile_claim_path("email")))
    says = {"upn": "boss@corp.example", "email": "ann@corp.example", "email_verified": True}
    assert not identify(verified(says), names, RULES).email_verified
    assert identify(verified(says | {"upn": "ANN@corp.example"}), names, RULES).email_verified
    assert not identify(
        verified(says | {"email": ["boss@corp.example"]}), names, RULES
    ).email_verified


def test_sec_52_which_claim_verifies_an_email_is_the_issuers_matter() -> None:
    said = {"email": "ann@corp.example", "email_verified": True, "sure": False}
    names = replace(NAMES, email_verified=(compile_claim_path("sure"),))
    assert identify(verified(said), NAMES, RULES).email_verified
    assert not identify(verified(said), names, RULES).email_verified
    assert identify(verified(said | {"sure": True}), names, RULES).email_verified
    assert not identify(verified(said | {"email": ["a@b.example"]}), NAMES, RULES).email_verified
    nobody = replace(NAMES, email_verified=())
    assert not identify(verified(said), nobody, RULES).email_verified


@pytest.mark.parametrize("owner", [None, "", " ", True, 1, ["corp.example"], {}])
def test_sec_52_only_the_owner_of_an_address_verifies_it(owner: object) -> None:
    said = {"email": "ann@corp.example", "email_verified": True, "hd": owner}
    names = replace(NAMES, email_owner=(compile_claim_path("hd"),))
    assert identify(verified(said), NAMES, RULES).email_verified
    assert not identify(verified(said), names, RULES).email_verified
    assert identify(verified(said | {"hd": "corp.example"}), names, RULES).email_verified


def test_sec_52_an_email_that_names_nobody_is_not_verified_either() -> None:
    identity = identify(verified({"email": "ann", "email_verified": True}), NAMES, RULES)
    assert (identity.email, identity.email_verified) == (None, False)


@pytest.mark.parametrize(
    "claim",
    [
        *("oid", "team_id", "department", "customer", "groups", "roles", "scope", "scp", "org"),
        "company",
    ],
)
def test_sec_17_a_misshapen_claim_denies_access(claim: str) -> None:
    with pytest.raises(AccessDenied) as denied:
        identify(verified({claim: 12}), NAMES, RULES)
    assert denied.value.fault is AccessFault.BAD_IDENTITY_CLAIM


def test_of_a_list_where_one_team_is_meant_the_first_counts() -> None:
    assert identify(verified({"team_id": ["t2", "t1"]}), NAMES, RULES).team == "t2"
    assert identify(verified({"team_id": []}), NAMES, RULES).team is None
    for misshapen in (["t1", 2], [["t1"]], {"t1": True}, [""]):
        with pytest.raises(AccessDenied):
            identify(verified({"team_id": misshapen}), NAMES, RULES)


def test_sec_56_claims_that_users_edit_assert_no_role() -> None:
    token = verified({"user_metadata": {"role": "viewers", "roles": ["viewers"]}})
    assert identify(token, NAMES, RULES).role is None


def test_the_admin_scope_asserts_a_role() -> None:
    assert identify(verified({"scope": "a gatepass_admin"}), NAMES, RULES).role is Role.PROXY_ADMIN


OBJECT = ClaimNames(
    user=(compile_claim_path("sub"),),
    team=(compile_claim_path("team"),),
    object_id=(compile_claim_path("oid"),),
    roles=(compile_claim_path("roles"),),
    scopes=(compile_claim_path("scope"),),
)
MAPPED = RoleRules(
    "admins",
    (
        RoleMapping("llm.team", Role.TEAM),
        RoleMapping("llm.user", Role.INTERNAL_USER),
        RoleMapping("llm.admin", Role.PROXY_ADMIN),
    ),
)


@pytest.mark.parametrize(
    ("claims", "user", "team"),
    [
        ({"roles": ["llm.team"]}, "user-1", "o1"),
        ({"roles": ["llm.team"], "team": "t1"}, "user-1", "o1"),
        ({"roles": ["llm.user"]}, "o1", None),
        ({"roles": ["llm.user"], "team": "t1"}, "o1", "t1"),
        ({"roles": ["llm.admin"]}, "o1", None),
        ({"scope": "admins"}, "o1", None),
        ({"roles": ["other"]}, "user-1", None),
        ({"team": "t1"}, "user-1", "t1"),
    ],
)
def test_whose_id_the_object_id_is_says_the_role_that_the_token_asserts(
    claims: dict[str, object], user: str, team: str | None
) -> None:
    identity = identify(verified({"oid": "o1"} | claims), OBJECT, MAPPED)
    assert (identity.user_id, identity.team) == (user, team)
    without = identify(verified(claims), OBJECT, MAPPED)
    assert (without.user_id, without.team) == ("user-1", claims.get("team"))


@pytest.mark.parametrize("roles", [[], ["other"], ["llm.team"], ["llm.user"]])
def test_sec_17_a_misshapen_object_id_denies_access_whatever_the_role(roles: list[str]) -> None:
    for misshapen in (12, "", ["o1"], True):
        with pytest.raises(AccessDenied):
            identify(verified({"oid": misshapen, "roles": roles}), OBJECT, MAPPED)


IDS = ("user", "team", "organization", "end_user", "object_id")


@pytest.mark.parametrize("name", IDS)
def test_a_whole_number_is_an_id_only_where_the_settings_say_so(name: str) -> None:
    names = {name: (compile_claim_path("id"),), "roles": (compile_claim_path("roles"),)}
    token = verified({"id": 12, "roles": ["llm.user"]})
    identity = identify(token, ClaimNames(**names, numbers_as_ids=frozenset({name})), MAPPED)  # type: ignore[arg-type]
    assert "12" in {identity.user_id, identity.team, identity.organization, identity.end_user}
    others = frozenset(IDS) - {name}
    with pytest.raises(AccessDenied):
        identify(token, ClaimNames(**names, numbers_as_ids=others), MAPPED)  # type: ignore[arg-type]


def test_lists_in_one_text_and_of_numbers() -> None:
    names = ClaimNames(
        teams=(compile_claim_path("groups"),),
        roles=(compile_claim_path("roles"),),
        separators={"teams": ",", "roles": " "},
        numbers_as_ids=frozenset({"teams"}),
    )
    identity = identify(verified({"groups": "t1, t2", "roles": "a,b c"}), names, RULES)
    assert (identity.teams, identity.roles) == (("t1", "t2"), ("a,b", "c"))
    assert identify(verified({"groups": [1, "t1"]}), names, RULES).teams == ("1", "t1")
    with pytest.raises(AccessDenied):
        identify(verified({"roles": [1]}), names, RULES)


OVERAGE = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "x"}}}


def test_sec_56_groups_that_a_token_leaves_out_are_not_no_groups() -> None:
    identity = identify(verified(OVERAGE), NAMES, RULES)
    assert identity.groups_withheld
    assert (identity.teams, identity.teams_listed) == ((), False)
    assert not identify(verified({"groups": []}), NAMES, RULES).groups_withheld
    assert not identify(verified({"groups": ["g"]} | OVERAGE), NAMES, RULES).groups_withheld


def test_groups_that_were_found_out_take_the_place_of_those_left_out() -> None:
    identity = identify(verified(OVERAGE), NAMES, RULES, ("g1", "viewers"))
    assert (identity.teams, identity.teams_listed) == (("g1", "viewers"), True)
    assert (identity.roles, identity.role, identity.groups_withheld) == ((), None, False)
    names = replace(NAMES, roles=NAMES.teams)
    identity = identify(verified(OVERAGE), names, RULES, ("g1", "viewers"))
    assert identity.roles == ("g1", "viewers")
    assert identity.role is Role.PROXY_ADMIN_VIEWER
    assert identify(verified({"groups": ["g9"]}), names, RULES, ("g1",)).teams == ("g9",)
    assert identify(verified(OVERAGE), names, RULES, ()).teams_listed


def test_roles_that_a_token_leaves_out_are_enough() -> None:
    names = ClaimNames(roles=NAMES.teams)
    assert identify(verified(OVERAGE), names, RULES).groups_withheld
    assert not identify(verified(OVERAGE), ClaimNames(), RULES).groups_withheld


@pytest.mark.parametrize("groups", [None, (), ("g1", "g2")])
def test_sec_56_a_team_that_a_token_leaves_out_is_not_no_team(
    groups: tuple[str, ...] | None,
) -> None:
    names = ClaimNames(user=NAMES.user, team=(compile_claim_path("groups"),))
    identity = identify(verified(OVERAGE), names, RULES, groups)
    assert identity.groups_withheld == (groups is None)
    assert identity.team == ("g1" if groups else None)
    assert identify(verified(OVERAGE | {"groups": ["g9"]}), names, RULES, groups).team == "g9"


def test_sec_56_a_team_that_stands_behind_one_left_out_is_not_the_callers() -> None:
    names = ClaimNames(team=(compile_claim_path("groups"), compile_claim_path("team")))
    identity = identify(verified(OVERAGE | {"team": "t1"}), names, RULES)
    assert (identity.team, identity.groups_withheld) == (None, True)
    first = replace(names, team=names.team[::-1])
    identity = identify(verified(OVERAGE | {"team": "t1"}), first, RULES)
    assert (identity.team, identity.groups_withheld) == ("t1", False)


@pytest.mark.parametrize(
    "field",
    [
        *("user", "object_id", "email", "email_verified", "email_owner", "team_alias"),
        *("organization", "organization_alias", "end_user", "scopes"),
    ],
)
@pytest.mark.parametrize("groups", [None, ("g1",)])
def test_sec_56_whoever_is_left_out_is_refused(field: str, groups: tuple[str, ...] | None) -> None:
    instead: dict[str, Any] = {field: (compile_claim_path("groups"),)}
    names = replace(NAMES, **instead)
    with pytest.raises(AccessDenied) as denied:
        identify(verified(OVERAGE), names, RULES, groups)
    assert denied.value.fault is AccessFault.GROUPS_OVERAGE


def test_every_claim_that_counts_is_asked_for_when_a_token_leaves_some_out() -> None:
    """A new kind of claim must be judged in overage.py or found out like the groups."""
    found_out = {"roles", "teams", "team"}
    kinds = {field.name for field in fields(ClaimNames)} - {"separators", "numbers_as_ids"}
    for kind in kinds:
        only: dict[str, Any] = {kind: (compile_claim_path("groups"),)}
        names = replace(ClaimNames(), **only)
        assert lacks_who(OVERAGE, names) is (kind not in found_out), kind


def test_an_identity_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        NOBODY.role = Role.PROXY_ADMIN  # type: ignore[misc]
