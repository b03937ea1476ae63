import re
from hashlib import sha256

import pytest

from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import METHODS, compile_routes

SNAPSHOT = {
    "openai_routes": (124, "2021348ff1a3fd60585e71a99e1cfa04"),
    "anthropic_routes": (9, "40e51191ec3b8c71802be02a10b46282"),
    "google_routes": (15, "fb48da7f9fb16fa96888968e59d60656"),
    "litellm_native_routes": (23, "a85850140e66290cb60a3fd1210d0fac"),
    "mcp_inference_routes": (15, "9969a0bf5417d072a1a407595e354c8d"),
    "mcp_management_routes": (3, "5cafd2c533d25b077d47f4aaa4aefa3d"),
    "mcp_routes": (18, "36116571aa556877a9807b5af58b2ec8"),
    "agent_inference_routes": (6, "a57228bcf2092e3d3eed4b3da1b8ac44"),
    "agent_management_routes": (5, "f2d1fee9104f69ef804317b540b1790e"),
    "agent_routes": (11, "a8502fbc7d54c9c2e0f73a9399b664ae"),
    "apply_guardrail_routes": (1, "8d3811be280e3b420620e164112c9f9f"),
    "model_info_routes": (3, "e0478a0be3570f5cf9f414eba55ad990"),
    "llm_api_routes": (196, "25b088a68e6429dbffb0a0e735c9fa74"),
    "mapped_pass_through_routes": (30, "d6ed65c2a883ff720ff158b06a081ffc"),
    "passthrough_routes_wildcard": (30, "7c8265fec4fc36178ae5bec8b1facbd2"),
    "info_routes": (24, "84ba4b70324d5a81c9f311e9ceac7030"),
    "key_management_routes": (24, "d83db58d5798f745956e1b05bb3a8bb5"),
    "management_routes": (72, "499b4e5c76a990a9892483f50df77be3"),
    "spend_tracking_routes": (16, "df460b6bf4a911ab5c026007078d8f4e"),
    "global_spend_tracking_routes": (12, "e3b11ebb8a90b8654d182c92ffcecc7f"),
    "internal_user_routes": (58, "348b900dbf947adb7f0b3a51b64bce78"),
    "internal_user_view_only_routes": (25, "477242772d44cb7efc2cde5cc781af0f"),
    "org_admin_only_routes": (5, "cbe16254cc2b98df4956cf2f94b53371"),
    "directory_routes": (46, "987fc0225bfa235c52ded277c4279f14"),
}
"""Entries, and the first half of the SHA-256 of the sorted entries, a line each."""

FOREIGN = ("mapped_pass_through_routes", "passthrough_routes_wildcard")
MANAGEMENT = (
    "management_routes",
    "key_management_routes",
    "spend_tracking_routes",
    "global_spend_tracking_routes",
    "internal_user_routes",
    "org_admin_only_routes",
    "directory_routes",
)


def sample(entry: str) -> tuple[str, str]:
    """Return one call that the entry covers."""
    method, path = entry.split(" ") if " " in entry else ("POST", entry)
    return method, re.sub(r"\{[^}]*\}", "x1", path.replace("*", "x1"))


def test_sec_40_the_groups_are_closed() -> None:
    found = {
        name: (len(entries), sha256("\n".join(sorted(entries)).encode()).hexdigest()[:32])
        for name, entries in ROUTE_GROUPS.items()
    }
    assert found == SNAPSHOT


def test_sec_40_a_group_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        ROUTE_GROUPS["openai_routes"] = ("*",)  # type: ignore[index]


@pytest.mark.parametrize("name", ROUTE_GROUPS)
def test_sec_40_every_entry_is_a_rule_that_covers_its_sample(name: str) -> None:
    entries = ROUTE_GROUPS[name]
    assert len(set(entries)) == len(entries)
    whole = compile_routes([name], ROUTE_GROUPS)
    for entry in entries:
        assert whole.allows(*sample(entry))
        assert compile_routes([entry], {}).allows(*sample(entry))


@pytest.mark.parametrize("name", ROUTE_GROUPS)
def test_sec_40_a_route_of_tomorrow_is_denied_until_it_is_listed(name: str) -> None:
    whole = compile_routes([name], ROUTE_GROUPS)
    for path in ("/", "/v1/a_route_of_tomorrow", "/v1/a/b/c/d/e/f/g", "/admin", "/config/update"):
        assert not any(whole.allows(method, path) for method in METHODS)


@pytest.mark.parametrize("name", ["self_managed_routes", "public_routes", "ui_routes"])
def test_groups_that_would_open_too_much_do_not_exist(name: str) -> None:
    assert name not in ROUTE_GROUPS


def test_unions_are_what_they_say() -> None:
    groups = {name: set(entries) for name, entries in ROUTE_GROUPS.items()}
    assert groups["mcp_routes"] == (
        groups["mcp_inference_routes"] | groups["mcp_management_routes"]
    )
    assert groups["agent_routes"] == (
        groups["agent_inference_routes"] | groups["agent_management_routes"]
    )
    assert groups["llm_api_routes"] == set().union(
        *(
            groups[name]
            for name in (
                "openai_routes",
                "anthropic_routes",
                "google_routes",
                "apply_guardrail_routes",
                "mcp_inference_routes",
                "litellm_native_routes",
                "agent_inference_routes",
                "model_info_routes",
            )
        )
    )
    assert groups["management_routes"] >= (
        groups["key_management_routes"]
        | groups["mcp_management_routes"]
        | groups["agent_management_routes"]
    )
    assert groups["internal_user_routes"] >= groups["internal_user_view_only_routes"]
    assert groups["internal_user_view_only_routes"] >= groups["spend_tracking_routes"]


@pytest.mark.parametrize("name", [name for name in ROUTE_GROUPS if name not in FOREIGN])
def test_no_other_group_reaches_behind_a_pass_through(name: str) -> None:
    whole = compile_routes([name], ROUTE_GROUPS)
    for entry in ROUTE_GROUPS["passthrough_routes_wildcard"]:
        for rest in ("x", "x/y", "model/m/invoke", "v1/other"):
            assert not whole.allows("POST", entry.replace("*", rest))


def test_inference_groups_reach_no_management_but_what_both_list() -> None:
    whole = compile_routes(["llm_api_routes"], ROUTE_GROUPS)
    listed = set(ROUTE_GROUPS["llm_api_routes"])
    for name in MANAGEMENT:
        for entry in set(ROUTE_GROUPS[name]) - listed:
            assert not whole.allows(*sample(entry)), entry


@pytest.mark.parametrize("name", [*MANAGEMENT, "info_routes"])
def test_groups_of_management_reach_no_inference(name: str) -> None:
    whole = compile_routes([name], ROUTE_GROUPS)
    listed = set(ROUTE_GROUPS[name])
    for group in ("openai_routes", "anthropic_routes", "google_routes", "litellm_native_routes"):
        for entry in set(ROUTE_GROUPS[group]) - listed:
            assert not whole.allows(*sample(entry)), entry
