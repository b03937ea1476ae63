"""Whose row it is, as the whole gate decides it: settings, token, database, answer."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatepass.plugin import Gate
from gatepass.plugin.decision import Decision
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.reasons import Reason
from gatepass.rbac.roles import Role
from support.databases import upgrade_file
from support.directories import open_directory, query
from support.gates import OUR_ISSUER, chat, open_gate, token
from support.rows import StockedDirectory

ISSUER = str(OUR_ISSUER["issuer"])
TRUSTED = {**OUR_ISSUER, "email_trusted": True, "claims": {"user": "sub", "teams": "groups"}}
ALL = RowDefaults()
EMAIL = {"email": "A@x.io", "email_verified": True}


@asynccontextmanager
async def situation(folder: Path) -> AsyncIterator[StockedDirectory]:
    """Give the directory that a gate in this folder will find."""
    await upgrade_file(folder / "gatepass.db")
    async with open_directory(folder / "gatepass.db") as directory:
        yield directory


async def ask(folder: Path, claims: Mapping[str, object], **sections: object) -> Decision:
    async with open_gate(folder, issuers=[TRUSTED], **sections) as gate:
        return await _ask(gate, claims)


async def _ask(gate: Gate, claims: Mapping[str, object]) -> Decision:
    return await gate.decide(chat(token(**{"sub": "sso-9", "user": None, **claims})))


def who(decision: Decision) -> str | None:
    assert decision.allowed, decision.reason
    assert decision.caller is not None
    return decision.caller.user_id


async def test_the_rows_own_id_is_used_from_the_match_on(tmp_path: Path) -> None:
    async with situation(tmp_path) as directory:
        await directory.add_user("legacy", home_issuer=ISSUER, sso_user_id="sso-9", grants=ALL)
    decision = await ask(tmp_path, {"email": "z@x.io"})
    assert who(decision) == "legacy"
    assert (b"x-gatepass-user", b"legacy") in decision.set_headers


@pytest.mark.parametrize("upsert", [True, False])
async def test_a_verified_address_links_and_makes_no_second_row(
    tmp_path: Path, *, upsert: bool
) -> None:
    async with situation(tmp_path) as directory:
        await directory.add_user("legacy", email="a@x.io", grants=ALL)
    decision = await ask(tmp_path, EMAIL, users={"upsert": upsert})
    assert who(decision) == "legacy"
    assert [(effect.kind, effect.subject_id) for effect in decision.effects] == [
        ("user_linked", "legacy")
    ]
    assert query(tmp_path / "gatepass.db", "SELECT count(*) FROM users") == [(1,)]


@pytest.mark.parametrize("upsert", [True, False])
@pytest.mark.parametrize(
    "claims",
    [
        EMAIL | {"email_verified": False},
        EMAIL | {"email_verified": "true"},
        EMAIL | {"xms_edov": False},
        EMAIL | {"email": "bound@x.io"},
        EMAIL | {"email": "boss@x.io"},
        EMAIL | {"email": "twice@x.io"},
    ],
    ids=["unverified", "as text", "not Entra's", "somebody's", "an administrator's", "two rows"],
)
async def test_sec_53_no_address_takes_over_an_account(
    tmp_path: Path, claims: dict[str, object], *, upsert: bool
) -> None:
    async with situation(tmp_path) as directory:
        await directory.add_user("legacy", email="a@x.io", grants=ALL)
        await directory.add_user(
            "bound", home_issuer=ISSUER, sso_user_id="sso-1", email="bound@x.io"
        )
        await directory.add_user("boss", email="boss@x.io", role=Role.PROXY_ADMIN)
        for user_id in ("l1", "l2"):
            await directory.add_user(user_id, email="twice@x.io")
    before = query(tmp_path / "gatepass.db", "SELECT * FROM users ORDER BY user_id")
    decision = await ask(tmp_path, claims, users={"upsert": upsert})
    assert decision.reason is Reason.IDENTITY_DENIED
    assert query(tmp_path / "gatepass.db", "SELECT * FROM users ORDER BY user_id") == before


async def test_an_issuer_that_nobody_trusts_with_addresses_links_none(tmp_path: Path) -> None:
    async with situation(tmp_path) as directory:
        await directory.add_user("legacy", email="a@x.io", grants=ALL)
    async with open_gate(tmp_path, issuers=[{**TRUSTED, "email_trusted": False}]) as gate:
        assert (await _ask(gate, EMAIL)).reason is Reason.IDENTITY_DENIED


async def test_a_stranger_who_asks_again_costs_no_look_into_the_store(tmp_path: Path) -> None:
    async with open_gate(tmp_path, issuers=[TRUSTED], users={"upsert": False}) as gate:
        stranger = chat(token(sub="nobody", user=None))
        assert (await gate.decide(stranger)).reason is Reason.USER_UNKNOWN
        again = gate.decide_warm(stranger)
    assert again is not None
    assert again.reason is Reason.USER_UNKNOWN


async def test_role_and_teams_follow_the_token(tmp_path: Path) -> None:
    async with situation(tmp_path) as directory:
        await directory.add_user("u1", home_issuer=ISSUER, grants=ALL)
        for team_id in ("t1", "t2"):
            await directory.add_team(team_id, grants=ALL)
        await directory.add_membership("u1", "t2")
    sections: dict[str, object] = {
        "users": {"sync_role": True, "sync_teams": True},
        "roles": {"mappings": [{"value": "VIEW", "role": "internal_user_viewer"}]},
        "profiles": {
            "default": {
                "permissions": {
                    role: {"routes": ["openai_routes"], "models": "all"}
                    for role in ("internal_user", "internal_user_viewer")
                }
            }
        },
    }
    claims = {"sub": "u1", "roles": ["VIEW"], "groups": ["t1"]}
    decision = await ask(tmp_path, claims, **sections)
    assert who(decision) == "u1"
    assert [effect.kind for effect in decision.effects] == [
        "user_linked",
        "role_synced",
        "member_added",
        "member_removed",
    ]
    silent = await ask(tmp_path, {"sub": "u1"}, **sections)
    assert (who(silent), silent.effects) == ("u1", ())
    file = tmp_path / "gatepass.db"
    assert query(file, "SELECT team_id FROM memberships") == [("t1",)]
    assert query(file, "SELECT role FROM users") == [("internal_user_viewer",)]
