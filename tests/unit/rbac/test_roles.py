import time
from dataclasses import replace

import pytest

from gatepass.rbac.roles import Precedence, Role, RoleMapping, RoleRules

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


HIGHEST = RoleRules(
    mappings=(
        RoleMapping("viewers", Role.INTERNAL_USER_VIEWER),
        RoleMapping("users", Role.INTERNAL_USER),
        RoleMapping("llm-*-admins", Role.ORG_ADMIN),
    ),
    precedence=Precedence.HIGHEST,
)


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (("viewers", "users"), Role.INTERNAL_USER),
        (("users", "viewers"), Role.INTERNAL_USER),
        (("viewers", "llm-eu-admins", "users"), Role.ORG_ADMIN),
        (("viewers",), Role.INTERNAL_USER_VIEWER),
        (("x",), None),
        ((), None),
    ],
)
def test_the_highest_of_several_roles_by_setting(roles: tuple[str, ...], role: Role | None) -> None:
    assert HIGHEST.asserted_role(roles, frozenset()) is role


def test_a_lower_role_further_down_takes_nothing_away_by_that_setting() -> None:
    turned = replace(HIGHEST, mappings=HIGHEST.mappings[::-1])
    for roles in (("viewers", "users"), ("users", "viewers")):
        assert turned.asserted_role(roles, frozenset()) is Role.INTERNAL_USER
    assert turned.asserted_role(("viewers", "llm-eu-admins"), frozenset()) is Role.ORG_ADMIN


@pytest.mark.parametrize(
    ("value", "roles", "matches"),
    [
        ("llm-*", ("llm-",), True),
        ("llm-*", ("x", "llm-admins"), True),
        ("*-admins", ("llm-admins",), True),
        ("llm-*-admins", ("llm-a-b-admins",), True),
        ("llm-*-admins", ("llm-admins",), False),
        ("llm-*", ("LLM-a", "xllm-a", "llm"), False),
        ("a.c*", ("abcd",), False),
        ("[ab]*", ("a",), False),
        ("?*", ("a",), False),
        ("*", (), False),
        ("a*", ("b", "c"), False),
    ],
)
def test_sec_57_only_a_star_is_special_in_a_mapping(
    value: str, roles: tuple[str, ...], *, matches: bool
) -> None:
    assert RoleMapping(value, Role.ORG_ADMIN).matches(roles) is matches


def test_a_long_pattern_with_many_stars_is_decided_at_once() -> None:
    costly = RoleMapping("*a" * 100 + "b", Role.ORG_ADMIN)
    started = time.perf_counter()
    assert not costly.matches(("a" * 255,))
    assert time.perf_counter() - started < 0.001


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
