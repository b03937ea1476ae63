import pytest

from gatepass.rbac.roles import Role, RoleMapping, RoleRules

RULES = RoleRules(
    admin_scope="gatepass_admin",
    mappings=(
        RoleMapping("llm-viewers", Role.INTERNAL_USER_VIEWER),
        RoleMapping("llm-admins", Role.PROXY_ADMIN),
        RoleMapping("llm-viewers", Role.PROXY_ADMIN),
    ),
)


@pytest.mark.parametrize(
    ("roles", "scopes", "role"),
    [
        ((), (), None),
        (("llm-admins",), (), Role.PROXY_ADMIN),
        (("llm-viewers",), (), Role.INTERNAL_USER_VIEWER),
        ((), ("gatepass_admin",), Role.PROXY_ADMIN),
        (("llm-viewers",), ("gatepass_admin",), Role.PROXY_ADMIN),
    ],
)
def test_what_a_token_asserts(
    roles: tuple[str, ...], scopes: tuple[str, ...], role: Role | None
) -> None:
    assert RULES.asserted_role(roles, frozenset(scopes)) is role


def test_the_first_mapping_that_matches_counts_whatever_the_order_of_the_claim() -> None:
    for roles in (("llm-admins", "llm-viewers"), ("llm-viewers", "llm-admins")):
        assert RULES.asserted_role(roles, frozenset()) is Role.INTERNAL_USER_VIEWER


@pytest.mark.parametrize(
    "text",
    ["llm-admin", "llm-admins2", "LLM-ADMINS", "xllm-admins", "a", "proxy_admin", "gatepass_admin"],
)
def test_sec_56_a_role_is_an_exact_member_never_a_part_of_one(text: str) -> None:
    assert RULES.asserted_role((text,), frozenset()) is None


@pytest.mark.parametrize(
    "scope", ["gatepass_admin_view", "not_gatepass_admin", "GATEPASS_ADMIN", "llm-admins"]
)
def test_sec_56_a_scope_is_an_exact_member_never_a_part_of_one(scope: str) -> None:
    assert RULES.asserted_role((), frozenset({scope})) is None


def test_sec_56_nobody_is_an_admin_by_default() -> None:
    names = tuple(role.value for role in Role)
    assert RoleRules().asserted_role(names, frozenset({*names, "", "None"})) is None


def test_role_names_are_the_peers() -> None:
    assert {role.value for role in Role} == {
        "proxy_admin",
        "proxy_admin_viewer",
        "org_admin",
        "team",
        "internal_user",
        "internal_user_viewer",
        "end_user",
    }
