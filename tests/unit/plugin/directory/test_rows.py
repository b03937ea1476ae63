import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from gatepass.plugin.directory.rows import models_text, read_models
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.roles import Role
from gatepass.rbac.teams import TeamChoice
from support.callers import SOMEBODY
from support.directories import open_directory, query
from support.limits import budget

RED = TeamChoice(("red",), required=True, creatable=True)
EVERYTHING = """
INSERT INTO budgets (budget_id, limit_nano_usd, window_seconds, anchor)
    VALUES ('b-user', 5, NULL, 7), ('b-team', 0, 60, 8), ('b-org', 1, 1, 1),
           ('b-member', 2, 3, 4), ('b-shop', 3, NULL, 0);
INSERT INTO organizations (organization_id, alias, blocked, models, budget_id)
    VALUES ('acme', NULL, 1, '["a"]', 'b-org');
INSERT INTO teams (team_id, alias, organization_id, blocked, models, budget_id, model_aliases,
    may_modify_guardrails, created_at)
    VALUES ('red', 'Reds', 'acme', 1, '["b"]', 'b-team', '{"fast": "b"}', 1, 0);
INSERT INTO users (user_id, issuer, subject, role, blocked, models, budget_id, created_at)
    VALUES ('user-1', 'https://idp.example', 'user-1', 'org_admin', 1, '["c"]', 'b-user', 0);
INSERT INTO memberships (user_id, team_id, role, models, budget_id)
    VALUES ('user-1', 'red', 'user', '["e"]', 'b-member');
INSERT INTO organization_memberships (user_id, organization_id, role)
    VALUES ('user-1', 'acme', 'org_admin');
INSERT INTO end_users (end_user_id, blocked, models, budget_id)
    VALUES ('shop', 1, '["d"]', 'b-shop');
"""


async def test_everything_that_is_stored_is_read(file: Path) -> None:
    async with open_directory(file) as directory:
        for statement in EVERYTHING.split(";"):
            query(file, statement)
        (found,), _ = await directory.resolve(
            replace(SOMEBODY, organization="acme", end_user="shop"), RED
        )
    assert found.user is not None
    assert (found.user.user_id, found.user.role, found.user.blocked) == (
        "user-1",
        Role.ORG_ADMIN,
        True,
    )
    assert found.user.organizations == {"acme": Role.ORG_ADMIN}
    assert found.user.budget == budget("b-user", 5, None, 7)
    assert found.user.models.allows("c")
    assert found.team is not None
    assert (found.team.team_id, found.team.alias) == ("red", "Reds")
    assert found.team.organization_id == "acme"
    assert found.team.model_aliases == {"fast": "b"}
    assert found.team.may_modify_guardrails
    assert found.team.blocked
    assert found.team.budget == budget("b-team", 0, 60, 8)
    assert found.team.models.allows("b")
    assert found.member is not None
    assert found.member.models.allows("e")
    assert found.member.budget == budget("b-member", 2, 3, 4)
    assert found.organization is not None
    assert found.organization.budget == budget("b-org", 1, 1, 1)
    assert (found.organization.organization_id, found.organization.blocked) == ("acme", True)
    assert found.organization.models.allows("a")
    assert found.end_user is not None
    assert (found.end_user.end_user_id, found.end_user.blocked) == ("shop", True)
    assert found.end_user.models.allows("d")
    assert found.end_user.budget == budget("b-shop", 3, None, 0)
    rows = (found.user, found.team, found.member, found.organization, found.end_user)
    assert not any(row.models.allows("other") for row in rows)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE users SET models = 'gpt-4o'",
        "UPDATE users SET models = ''",
        "UPDATE users SET models = 'null'",
        "UPDATE users SET models = '{\"all\": true}'",
        "UPDATE users SET models = '[1]'",
        "UPDATE teams SET models = '[\"\"]'",
        "UPDATE teams SET model_aliases = '[]'",
        "UPDATE teams SET model_aliases = '{\"a\": 1}'",
        "UPDATE teams SET model_aliases = 'fast'",
        "UPDATE memberships SET models = '1'",
        "UPDATE memberships SET budget_id = 'gone'",
        "UPDATE organization_memberships SET role = 'root'",
        "UPDATE organizations SET budget_id = 'gone'",
        "UPDATE end_users SET budget_id = 'gone'",
        "UPDATE organizations SET models = 'true'",
        "UPDATE end_users SET models = '[null]'",
        "UPDATE users SET role = 'root'",
        "UPDATE users SET budget_id = 'gone'",
        "UPDATE teams SET budget_id = 'gone'",
        "UPDATE budgets SET limit_nano_usd = -5",
        "UPDATE budgets SET limit_nano_usd = 1.5",
        "UPDATE budgets SET limit_nano_usd = 'lots'",
        "UPDATE budgets SET window_seconds = 0",
        "UPDATE budgets SET window_seconds = 'daily'",
        "UPDATE budgets SET anchor = 'monday'",
        "UPDATE users SET models = CAST(x'ff' AS TEXT)",
    ],
)
async def test_sec_59_a_row_that_cannot_be_is_no_permission(file: Path, damage: str) -> None:
    async with open_directory(file) as directory:
        for statement in EVERYTHING.split(";"):
            query(file, statement)
        caller = replace(SOMEBODY, organization="acme", end_user="shop")
        await directory.resolve(caller, RED)
        _damage(file, damage)
        with pytest.raises(StoreUnavailable):
            await directory.resolve(caller, RED)


def _damage(file: Path, statement: str) -> None:
    """Do what the constraints forbid, as a tool that switches them off could."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)


@pytest.mark.parametrize(
    ("patterns", "text"), [(None, '"all"'), ((), "[]"), (("gpt-*", "o3"), '["gpt-*", "o3"]')]
)
def test_models_are_stored_as_json(patterns: tuple[str, ...] | None, text: str) -> None:
    assert models_text(patterns) == text


@pytest.mark.parametrize(
    ("text", "allowed", "refused"),
    [('["gpt-*"]', "gpt-4o", "o3"), ('["all"]', "all", "gpt-4o")],
)
def test_stored_models_are_read(text: str, allowed: str, refused: str) -> None:
    rule = read_models(text)
    assert rule.allows(allowed)
    assert not rule.allows(refused)


def test_all_is_a_word_and_not_a_list() -> None:
    assert read_models('"all"') is ALL_MODELS
    assert not read_models("[]").allows("gpt-4o")
