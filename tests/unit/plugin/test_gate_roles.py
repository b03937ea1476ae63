"""Roles through the whole Gate: who a token makes you, and who it does not."""

from pathlib import Path

import pytest

from gatepass.plugin import Gate
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.rbac.roles import Role
from support.directories import open_directory
from support.gates import OUR_ISSUER, chat, open_gate, token
from support.tokens import ISSUER

ALL = RowDefaults()
EVERY_ROLE = {role.value: {"routes": ["openai_routes"], "models": "all"} for role in Role}
PROFILES = {"default": {"permissions": EVERY_ROLE}}
MAPPINGS = [
    {"value": "llm.team", "role": "team"},
    {"value": "llm.user", "role": "internal_user"},
    {"value": "llm.admin", "role": "proxy_admin"},
]


def issuer(**claims: object) -> list[object]:
    names = OUR_ISSUER["claims"]
    assert isinstance(names, dict)
    kept = {name: value for name, value in (names | claims).items() if value is not None}
    return [{**OUR_ISSUER, "claims": kept}]


async def who(gate: Gate, **claims: object) -> str:
    """Return role, user and team of a caller, or the code of the refusal in brackets."""
    decision = await gate.decide(chat(token(**claims)))
    if decision.caller is None:
        return f"[{decision.reason.code}]"
    team = decision.caller.principals.team
    return f"{decision.caller.role} {decision.caller.user_id} {team and team.team_id}"


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({"groups": ["llm.user"]}, "internal_user o1 None"),
        ({"groups": "llm.user"}, "internal_user o1 None"),
        ({"groups": ["llm.team"]}, "team None o1"),
        ({"groups": ["llm.admin"]}, "proxy_admin o1 None"),
        ({"groups": ["llm.admin", "llm.user"]}, "internal_user o1 None"),
        ({"groups": ["llm.user", "llm.admin"]}, "internal_user o1 None"),
        ({"groups": ["other"]}, "[no_identity]"),
        ({"groups": ["llm.team"], "oid": None}, "[no_identity]"),
        ({"groups": ["llm.user"], "oid": None}, "[no_identity]"),
    ],
)
async def test_the_object_id_is_whose_the_role_says(
    tmp_path: Path, claims: dict[str, object], found: str
) -> None:
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_team("o1", grants=ALL)
    issuers = issuer(user=[], object_id="oid")
    roles = {"mappings": MAPPINGS}
    async with open_gate(tmp_path, issuers=issuers, roles=roles, profiles=PROFILES) as gate:
        assert await who(gate, **({"oid": "o1"} | claims)) == found


async def test_a_mapped_role_goes_before_what_the_token_plainly_is(tmp_path: Path) -> None:
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_team("o1", grants=ALL)
    issuers, roles = issuer(object_id="oid"), {"mappings": MAPPINGS}
    async with open_gate(tmp_path, issuers=issuers, roles=roles, profiles=PROFILES) as gate:
        assert await who(gate, oid="o1", groups=["llm.team"]) == "team ann o1"


async def test_sec_39_an_id_without_a_role_is_nobody_where_roles_are_required(
    tmp_path: Path,
) -> None:
    roles = {"mappings": MAPPINGS, "require_role": True}
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_user(
            "boss", issuer=ISSUER, subject="boss", role=Role.PROXY_ADMIN, grants=ALL
        )
    async with open_gate(tmp_path, roles=roles, profiles=PROFILES) as gate:
        assert await who(gate, groups=["other"]) == "[no_role]"
        assert await who(gate, user=None, team="t1") == "[no_role]"
        assert await who(gate, groups=["llm.user"]) == "internal_user ann None"
        assert await who(gate, user="boss", sub="boss") == "proxy_admin boss None"


async def test_sec_39_people_need_one_of_the_allowed_roles(tmp_path: Path) -> None:
    roles = {"allowed": ["dev"], "require_role": True}
    async with open_gate(tmp_path, roles=roles, profiles=PROFILES) as gate:
        assert await who(gate, groups=["dev"]) == "internal_user ann None"
        for others in (["d", "e", "v"], "developers", [], None):
            assert await who(gate, groups=others, sub="x", user="bob") == "[no_role]"


@pytest.mark.parametrize("claims", [{}, {"groups": ["x"]}, {"customer": "c-1", "email": "a@b"}])
async def test_sec_39_the_default_team_is_not_for_nobody(
    tmp_path: Path, claims: dict[str, object]
) -> None:
    settings = {"upsert": True, "default": "everybody"}
    async with open_gate(tmp_path, teams=settings, profiles=PROFILES) as gate:
        assert await who(gate, user=None, **claims) == "[no_identity]"
        assert await who(gate, **claims) == "internal_user ann everybody"


async def test_numbers_lists_in_one_text_and_candidates_of_scopes(tmp_path: Path) -> None:
    (names,) = issuer(user="uid")
    assert isinstance(names, dict)
    issuers = [
        names | {"numbers_as_ids": ["user"], "separators": {"roles": "comma", "teams": "space"}}
    ]
    roles = {"admin_scope": "gatepass_admin", "mappings": MAPPINGS}
    async with open_gate(tmp_path, issuers=issuers, roles=roles, profiles=PROFILES) as gate:
        assert await who(gate, uid=12) == "internal_user 12 None"
        assert await who(gate, uid=12.0, sub="x") == "[bad_identity_claim]"
        assert await who(gate, uid="u", sub="u", groups="a, llm.admin") == "proxy_admin u None"
        assert await who(gate, uid="v", sub="v", teams="t1 t2") == "[team_unknown]"
        assert await who(gate, uid="w", sub="w", scp=["gatepass_admin"]) == "proxy_admin w None"
        split = {"scope": "openid", "scp": ["gatepass_admin"]}
        assert await who(gate, uid="x", sub="x", **split) == "internal_user x None"


async def test_sec_39_routes_of_the_admin_scope_bind_only_whom_the_scope_makes_an_admin(
    tmp_path: Path,
) -> None:
    roles = {"admin_scope": "gatepass_admin", "mappings": MAPPINGS}
    profiles = {"default": {**PROFILES["default"], "admin_scope_routes": ["info_routes"]}}
    async with open_gate(tmp_path, roles=roles, profiles=profiles) as gate:
        assert await who(gate, scope="gatepass_admin") == "[route_denied]"
        assert await who(gate, groups=["llm.admin"]) == "proxy_admin ann None"
