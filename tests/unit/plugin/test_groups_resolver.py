"""Groups that a token leaves out: asked for by name, in time, or nobody gets in."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.errors import GroupsNotResolved
from gatepass.plugin.groups_resolver import MAX_GROUPS, GroupsResolver, load_resolver
from support.directories import open_directory, query
from support.gates import OUR_ISSUER, chat, code_of, open_gate, token

OVERAGE: dict[str, object] = {
    "_claim_names": {"teams": "src1"},
    "_claim_sources": {"src1": {"endpoint": "https://evil.example/groups"}},
}


async def test_what_the_function_lists_are_the_groups() -> None:
    asked: list[dict[str, object]] = []

    async def ask(claims: dict[str, object]) -> object:
        asked.append(claims)
        claims.clear()
        return ["t2", "t1", "t2"]

    claims = {"sub": "user-1", "list": [1]}
    assert await GroupsResolver(ask, 1).groups_of(claims) == ("t2", "t1")
    assert claims == {"sub": "user-1", "list": [1]}, "it got a copy"
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [None, "t1", ("t1",), {"t1"}, {}, ["t1", None], ["t1", 1], [""], ["a\nb"], True, ["x" * 256]],
)
async def test_sec_41_anything_but_a_list_of_texts_is_no_answer(answer: object) -> None:
    async def ask(_claims: dict[str, object]) -> object:
        return answer

    with pytest.raises(GroupsNotResolved):
        await GroupsResolver(ask, 1).groups_of({})


async def test_as_many_groups_as_a_query_can_ask_for() -> None:
    answer = [str(number) for number in range(MAX_GROUPS)]

    async def ask(_claims: dict[str, object]) -> object:
        return answer

    assert len(await GroupsResolver(ask, 1).groups_of({})) == MAX_GROUPS
    answer.append("one more")
    with pytest.raises(GroupsNotResolved):
        await GroupsResolver(ask, 1).groups_of({})


async def test_sec_41_an_exception_and_a_late_answer_are_no_answer() -> None:
    async def broken(_claims: dict[str, object]) -> object:
        raise KeyError("secret")

    async def late(_claims: dict[str, object]) -> object:
        return await asyncio.Event().wait()

    for ask in (broken, late):
        with pytest.raises(GroupsNotResolved) as failed:
            await GroupsResolver(ask, 0.01).groups_of({})
        assert "secret" not in str(failed.value)


MODULE = """
import asyncio

asked = []

async def groups(claims):
    asked.append(claims["sub"])
    if claims["sub"] == "user-9":
        raise OSError("no route")
    return ["idp-a", "t1", "admins"]

def not_async(claims):
    return []
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = "gatepass_own_groups"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("function", "sentence"),
    [("not_async", "must be an async one"), ("missing", "no function"), ("asked", "no function")],
)
def test_what_cannot_be_a_resolver_is_a_problem_of_the_settings(
    module: str, function: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        load_resolver(f"{module}:{function}")
    assert "groups_resolver" in str(wrong.value)
    assert sentence in str(wrong.value)


async def test_sec_56_without_a_resolver_such_a_token_is_refused_by_name(tmp_path: Path) -> None:
    async with open_gate(tmp_path) as gate:
        for claims in (OVERAGE, OVERAGE | {"user": None, "sub": "machine"}):
            assert await code_of(gate, chat(token(**claims))) == "groups_overage"
        assert await code_of(gate, chat(token(**OVERAGE, teams=[]))) == "allowed"
    rows = query(tmp_path / "gatepass.db", "SELECT user_id FROM users")
    assert rows == [("ann",)], "the one whose groups were there"


@pytest.mark.parametrize("field", ["team", "organization", "end_user"])
async def test_sec_56_no_claim_that_binds_the_caller_may_be_left_out(
    tmp_path: Path, field: str
) -> None:
    """Without its team a person would be judged, and billed, as if they had none."""
    issuer = {**OUR_ISSUER, "claims": {"user": "user", field: "groups"}}
    overage = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "x"}}}
    async with open_gate(tmp_path, issuers=[issuer]) as gate:
        assert await code_of(gate, chat(token(**overage))) == "groups_overage"
        assert await code_of(gate, chat(token())) == "allowed"


async def test_the_resolver_finds_out_the_team(tmp_path: Path, module: str) -> None:
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_team("idp-a", grants=RowDefaults())
    claims = {"user": "user", "team": "teams"}
    issuer = {**OUR_ISSUER, "claims": claims, "groups_resolver": f"{module}:groups"}
    async with open_gate(tmp_path, issuers=[issuer], teams={"upsert": False}) as gate:
        decision = await gate.decide(chat(token(**OVERAGE)))
        assert decision.caller is not None
        assert decision.caller.principals.team is not None
        assert decision.caller.principals.team.team_id == "idp-a"


async def test_the_resolver_of_the_settings_is_asked_once(tmp_path: Path, module: str) -> None:
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_team("t1", grants=RowDefaults())
    issuer = {**OUR_ISSUER, "groups_resolver": f"{module}:groups"}
    async with open_gate(tmp_path, issuers=[issuer], teams={"upsert": False}) as gate:
        for number in range(3):
            request = chat(token(**OVERAGE, jti=str(number)))
            decision = gate.decide_warm(request) or await gate.decide(request)
            assert decision.caller is not None
            assert decision.caller.principals.team is not None
            assert decision.caller.principals.team.team_id == "t1"
        assert sys.modules[module].asked == ["user-1"]
        failing = chat(token(**OVERAGE, sub="user-9", user="bob"))
        for _ in range(2):
            assert await code_of(gate, failing) == "groups_not_resolved"
        assert sys.modules[module].asked == ["user-1", "user-9", "user-9"]


async def test_roles_are_found_out_as_well(tmp_path: Path, module: str) -> None:
    names = OUR_ISSUER["claims"]
    assert isinstance(names, dict)
    issuer = {
        **OUR_ISSUER,
        "claims": {**names, "roles": "teams"},
        "groups_resolver": f"{module}:groups",
    }
    roles = {"mappings": [{"value": "admins", "role": "proxy_admin"}]}
    async with open_directory(tmp_path / "gatepass.db") as directory:
        await directory.add_team("t1", grants=RowDefaults())
    async with open_gate(tmp_path, issuers=[issuer], roles=roles) as gate:
        assert await code_of(gate, chat(token(**OVERAGE))) == "route_denied"
        assert await code_of(gate, chat(token(teams=["t1"]))) == "allowed"
