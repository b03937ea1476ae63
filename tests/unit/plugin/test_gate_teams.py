"""Several teams, one request: which of them it is for, and who says so."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gatepass.plugin import Gate
from gatepass.plugin.decision import BodyWanted
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.request import BodyState, Request
from support.directories import open_directory, query
from support.gates import OUR_ISSUER, chat, chat_body, code_of, open_gate, token
from support.limits import template
from support.tokens import ISSUER

ALL = RowDefaults()
BROKE = template(0, None)
TEAMS: dict[str, object] = {"upsert": False}
NAMES = OUR_ISSUER["claims"]
assert isinstance(NAMES, dict)
ISSUERS = [{**OUR_ISSUER, "claims": {**NAMES, "team_alias": "dept"}}]


async def stock(folder: Path) -> None:
    """Store four teams, and ann, who is a member of the first two."""
    async with open_directory(folder / "gatepass.db") as directory:
        await directory.add_team("mini", alias="Mini", grants=RowDefaults(models=("gpt-4o-mini",)))
        await directory.add_team("large", alias="Large", grants=RowDefaults(models=("gpt-4o*",)))
        await directory.add_team("other", alias="Large", grants=ALL)
        await directory.add_team("stopped", grants=ALL)
        await directory.set_blocked("team", "stopped", blocked=True)
        await directory.add_user("ann", issuer=ISSUER, subject="user-1", grants=ALL)
        for team_id in ("mini", "large"):
            await directory.add_membership("ann", team_id)


def asking(model: str, header: str | None = None, **claims: object) -> Request:
    more = [] if header is None else [(b"x-gatepass-team", header.encode())]
    return chat(token(**claims), more, body=chat_body(model=model))


async def team_of(gate: Gate, request: Request) -> str | None:
    """Return the team that pays, or the code of the refusal in brackets."""
    decision = await gate.decide(request)
    assert gate.faults == 0
    if decision.caller is None:
        return f"[{decision.reason.code}]"
    told = dict(decision.set_headers).get(b"x-gatepass-team-id")
    team = decision.caller.principals.team
    assert (None if told is None else told.decode()) == (None if team is None else team.team_id)
    warm = gate.decide_warm(request)
    assert warm is not None
    assert warm.set_headers == decision.set_headers
    return None if team is None else team.team_id


@pytest.mark.parametrize(
    ("listed", "model", "team"),
    [
        (["mini", "large"], "gpt-4o-mini", "mini"),
        (["large", "mini"], "gpt-4o-mini", "large"),
        (["mini", "large"], "gpt-4o", "large"),
        (["mini", "large"], "o3", "[model_denied]"),
        (["stopped", "large"], "gpt-4o", "large"),
        (["stopped", "large"], "o3", "[team_blocked]"),
        (["stopped"], "gpt-4o", "[team_blocked]"),
        (["large", "stopped"], "o3", "[model_denied]"),
        (["idp-a", "large"], "gpt-4o", "large"),
        (["idp-a"], "gpt-4o", "[team_unknown]"),
        ([], "gpt-4o", None),
    ],
)
async def test_the_first_team_of_the_list_that_may_use_the_model(
    tmp_path: Path, listed: list[str], model: str, team: str | None
) -> None:
    await stock(tmp_path)
    async with open_gate(tmp_path, teams=TEAMS) as gate:
        assert await team_of(gate, asking(model, teams=listed)) == team


@pytest.mark.parametrize(
    ("header", "team"),
    [
        ("large", "large"),
        ("Mini", "mini"),
        ("Large", "large"),
        ("other", "[team_not_yours]"),
        ("ghost", "[team_not_yours]"),
    ],
)
@pytest.mark.parametrize("from_rows", [False, True])
async def test_sec_56_the_header_chooses_and_a_foreign_team_is_like_none_at_all(
    tmp_path: Path, header: str, team: str, *, from_rows: bool
) -> None:
    await stock(tmp_path)
    claims = {} if from_rows else {"teams": ["mini", "large"]}
    settings = TEAMS | {"fallback": "memberships"}
    async with open_gate(tmp_path, teams=settings) as gate:
        assert await team_of(gate, asking("gpt-4o-mini", header, **claims)) == team


async def test_a_chosen_team_that_may_not_use_the_model_is_not_replaced(tmp_path: Path) -> None:
    await stock(tmp_path)
    async with open_gate(tmp_path, teams=TEAMS) as gate:
        request = asking("gpt-4o", "mini", teams=["mini", "large"])
        assert await team_of(gate, request) == "[model_denied]"


@pytest.mark.parametrize(
    ("settings", "claims", "team"),
    [
        ({"fallback": "memberships"}, {}, "large"),
        ({"fallback": "single_membership"}, {}, None),
        ({"default": "other"}, {}, "other"),
        ({"default": "other", "fallback": "memberships"}, {}, "large"),
        ({"default": "nowhere"}, {}, "[team_unknown]"),
        ({"required": True}, {}, "[team_missing]"),
        ({"required": True}, {"team": "large"}, "large"),
        ({"required": True}, {"team": []}, "[team_missing]"),
        ({}, {"team": ["large", "mini"]}, "large"),
        ({}, {"dept": "Mini"}, "[model_denied]"),
        ({}, {"dept": "Large"}, "[team_ambiguous]"),
        ({}, {"dept": "Nowhere"}, "[team_unknown]"),
        ({"unknown_claim_falls_back": True}, {"team": "gone"}, None),
        ({"unknown_claim_falls_back": True, "required": True}, {"team": "gone"}, "[team_missing]"),
        ({"unknown_claim_falls_back": True, "default": "other"}, {"teams": ["gone"]}, "other"),
    ],
)
async def test_where_a_team_comes_from(
    tmp_path: Path, settings: dict[str, object], claims: dict[str, object], team: str | None
) -> None:
    await stock(tmp_path)
    async with open_gate(tmp_path, teams=TEAMS | settings, issuers=ISSUERS) as gate:
        assert await team_of(gate, asking("gpt-4o", None, **claims)) == team


@pytest.mark.parametrize(
    ("header", "team"),
    [("large", "large"), ("Mini", "mini"), ("other", "[team_not_yours]"), (None, "large")],
)
async def test_memberships_count_from_the_first_request_of_a_person_who_is_linked_by_it(
    tmp_path: Path, header: str | None, team: str
) -> None:
    await stock(tmp_path)
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_user("bob", home_issuer=ISSUER, grants=ALL)
        for team_id in ("mini", "large"):
            await directory.add_membership("bob", team_id)
    settings = TEAMS | {"fallback": "memberships", "default": "other"}
    async with open_gate(tmp_path, teams=settings) as gate:
        request = asking("gpt-4o-mini", header, user="bob", sub="bob")
        decision = await gate.decide(request)
        assert [effect.kind for effect in decision.effects] == ["user_linked"] * decision.allowed
        assert await team_of(gate, request) == team
    linked = query(tmp_path / "gatepass.db", "SELECT subject FROM users WHERE user_id = 'bob'")
    assert linked == [("bob" if decision.allowed else None,)]


async def test_a_person_without_memberships_gets_the_default_with_their_first_request(
    tmp_path: Path,
) -> None:
    settings = {"upsert": True, "fallback": "memberships", "default": "everybody"}
    async with open_gate(tmp_path, teams=settings) as gate:
        decision = await gate.decide(asking("gpt-4o"))
        assert [effect.kind for effect in decision.effects] == ["user_created", "team_created"]
        assert await team_of(gate, asking("gpt-4o")) == "everybody"
    async with open_gate(tmp_path, teams=settings | {"upsert": False, "default": "x"}) as gate:
        assert await team_of(gate, asking("gpt-4o", user="eve", sub="eve")) == "[team_unknown]"
    assert query(tmp_path / "gatepass.db", "SELECT user_id FROM users") == [("ann",)]


async def test_a_team_that_nobody_has_is_made_by_upsert_where_it_is_the_default(
    tmp_path: Path,
) -> None:
    async with open_gate(tmp_path, teams={"upsert": True, "default": "everybody"}) as gate:
        decision = await gate.decide(asking("gpt-4o"))
        assert [effect.kind for effect in decision.effects] == ["user_created", "team_created"]
        assert await team_of(gate, asking("gpt-4o")) == "everybody"


async def test_sec_39_a_team_pays_only_for_its_routes(tmp_path: Path) -> None:
    await stock(tmp_path)
    permissions = {
        role: {"routes": ["openai_routes"], "models": "all"}
        for role in ("internal_user", "team", "proxy_admin", "proxy_admin_viewer")
    }
    profiles = {"default": {"permissions": permissions, "team_routes": ["/v1/embeddings"]}}
    roles = {"mappings": [{"value": role, "role": role} for role in permissions]}
    async with open_gate(tmp_path, teams=TEAMS, profiles=profiles, roles=roles) as gate:
        for claims in ({"teams": ["large"]}, {"team": "large"}, {"team": "large", "user": None}):
            assert await code_of(gate, asking("gpt-4o", **claims)) == "route_denied"
        assert await code_of(gate, asking("gpt-4o", "large", teams=["large"])) == "route_denied"
        assert await team_of(gate, asking("gpt-4o")) is None
        for role in ("proxy_admin", "proxy_admin_viewer"):
            admin = asking("gpt-4o", team="large", groups=[role])
            assert await team_of(gate, admin) == "large"
        embeddings = replace(asking("gpt-4o", team="large"), target=b"/v1/embeddings")
        assert await team_of(gate, embeddings) == "large"


async def test_only_a_proxy_admin_goes_without_a_team_where_one_is_required(tmp_path: Path) -> None:
    routes = {"routes": ["openai_routes"], "models": "all"}
    admins = ("proxy_admin", "proxy_admin_viewer")
    profiles = {"default": {"permissions": dict.fromkeys((*admins, "org_admin"), routes)}}
    roles = {"mappings": [{"value": role, "role": role} for role in (*admins, "org_admin")]}
    settings = TEAMS | {"required": True}
    async with open_gate(tmp_path, teams=settings, profiles=profiles, roles=roles) as gate:
        for role in admins:
            assert await team_of(gate, asking("gpt-4o", groups=[role])) is None
        assert await team_of(gate, asking("gpt-4o", groups=["org_admin"])) == "[team_missing]"


@pytest.mark.parametrize("body", [BodyState.NOT_SHOWN, BodyState.CUT])
async def test_sec_58_a_hidden_model_does_not_choose_who_pays(
    tmp_path: Path, body: BodyState
) -> None:
    await stock(tmp_path)
    async with open_gate(tmp_path, teams=TEAMS) as gate:
        for listed in (["mini", "other"], ["other", "mini"]):
            hidden = replace(asking("gpt-4o", teams=listed), body=body)
            assert await code_of(gate, hidden) == "body_not_shown"


async def test_a_body_that_is_read_later_leads_to_the_same_team(tmp_path: Path) -> None:
    await stock(tmp_path)
    async with open_gate(tmp_path, teams=TEAMS) as gate:
        shown = asking("gpt-4o", teams=["mini", "large"])
        assert isinstance(shown.body, bytes)
        wanted = await gate.decide(replace(shown, body=BodyState.NOT_READ))
        assert isinstance(wanted, BodyWanted)
        concluded = wanted.conclude(shown.body)
        assert concluded is not None
        assert dict(concluded.set_headers)[b"x-gatepass-team-id"] == b"large"


async def test_money_does_not_choose_who_pays(tmp_path: Path) -> None:
    await stock(tmp_path)
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_team("broke", grants=RowDefaults(budget=BROKE))
    async with open_gate(tmp_path, teams=TEAMS) as gate:
        assert await code_of(gate, asking("gpt-4o", teams=["broke", "large"])) == "budget_exceeded"
