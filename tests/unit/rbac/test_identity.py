from dataclasses import replace

import pytest

from gatepass.rbac.claims import ClaimNames, compile_claim_path
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity, identify
from gatepass.rbac.roles import Role, RoleMapping, RoleRules
from support.callers import NOBODY, verified
from support.tokens import ISSUER

NAMES = ClaimNames(
    user=(compile_claim_path("oid"), compile_claim_path("sub")),
    email=(compile_claim_path("email"),),
    team=(compile_claim_path("team_id"),),
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
    )


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


def test_sec_52_which_claim_verifies_an_email_is_the_issuers_matter() -> None:
    said = {"email": "ann@corp.example", "email_verified": True, "xms_edov": False}
    names = replace(NAMES, email_verified=(compile_claim_path("xms_edov"),))
    assert identify(verified(said), NAMES, RULES).email_verified
    assert not identify(verified(said), names, RULES).email_verified
    assert identify(verified(said | {"xms_edov": True}), names, RULES).email_verified
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
    "claim", ["oid", "team_id", "customer", "groups", "roles", "scope", "scp", "org"]
)
def test_sec_17_a_misshapen_claim_denies_access(claim: str) -> None:
    with pytest.raises(AccessDenied) as denied:
        identify(verified({claim: 12}), NAMES, RULES)
    assert denied.value.fault is AccessFault.BAD_IDENTITY_CLAIM


def test_a_list_of_teams_is_not_one_team() -> None:
    with pytest.raises(AccessDenied):
        identify(verified({"team_id": ["t1"]}), NAMES, RULES)


def test_sec_56_claims_that_users_edit_assert_no_role() -> None:
    token = verified({"user_metadata": {"role": "viewers", "roles": ["viewers"]}})
    assert identify(token, NAMES, RULES).role is None


def test_the_admin_scope_asserts_a_role() -> None:
    assert identify(verified({"scope": "a gatepass_admin"}), NAMES, RULES).role is Role.PROXY_ADMIN


def test_an_identity_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        NOBODY.role = Role.PROXY_ADMIN  # type: ignore[misc]
