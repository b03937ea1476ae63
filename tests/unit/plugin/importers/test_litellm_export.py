"""Which table a file holds, by its name or its columns; what is no table is told."""

import json
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.importers import litellm_export
from gatepass.plugin.importers.litellm_export import read_export
from gatepass.plugin.importers.litellm_tables import Table, table_by_name
from gatepass.plugin.importers.row_notes import RowNotes
from gatepass.plugin.importers.verdicts import Verdict
from support.litellm_rows import team, user

END_USER = {"user_id": "shop", "blocked": False}


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("LiteLLM_UserTable", Table.USERS),
        ('public."LiteLLM_TeamTable"', Table.TEAMS),
        ("user_list", Table.USERS),
        ("users-2", Table.USERS),
        ("team_list_page_3", Table.TEAMS),
        ("LiteLLM_TeamMembership", Table.TEAM_MEMBERS),
        ("LiteLLM_OrganizationMembership", Table.ORGANIZATION_MEMBERS),
        ("orgs", Table.ORGANIZATIONS),
        ("customers", Table.END_USERS),
        ("LiteLLM_EndUserTable", Table.END_USERS),
        ("budget_list", Table.BUDGETS),
        ("LiteLLM_DeletedTeamTable", None),
        ("LiteLLM_VerificationToken", None),
        ("data", None),
    ],
)
def test_a_name_says_which_table_it_is(name: str, table: Table | None) -> None:
    assert table_by_name(name) is table


@pytest.mark.parametrize(
    ("row", "table"),
    [
        (user("a"), Table.USERS),
        (team("a"), Table.TEAMS),
        (END_USER, Table.END_USERS),
        ({"user_id": "a", "team_id": "b", "budget_id": None}, Table.TEAM_MEMBERS),
        (
            {"user_id": "a", "organization_id": "b", "user_role": None},
            Table.ORGANIZATION_MEMBERS,
        ),
        ({"organization_id": "a", "organization_alias": "A"}, Table.ORGANIZATIONS),
        ({"budget_id": "a", "max_budget": 1}, Table.BUDGETS),
        ({"id": 1, "aliases": {}}, Table.MODEL_ALIASES),
    ],
)
def test_columns_say_it_where_a_name_does_not(
    tmp_path: Path, row: dict[str, object], table: Table
) -> None:
    file = tmp_path / "export-of-monday.json"
    file.write_text(json.dumps([row]))
    assert read_export(file, RowNotes()).tables[table] == [row]


def test_a_file_may_hold_a_row_a_line_or_several_tables(tmp_path: Path) -> None:
    (tmp_path / "users.jsonl").write_text("\n".join(json.dumps(user(name)) for name in "abc"))
    every = {"LiteLLM_TeamTable": [team("red")], "LiteLLM_EndUserTable": [END_USER]}
    (tmp_path / "everything.json").write_text(json.dumps(every))
    (tmp_path / "notes.txt").write_text("no rows")
    found = read_export(tmp_path, RowNotes()).tables
    assert [len(found[table]) for table in (Table.USERS, Table.TEAMS, Table.END_USERS)] == [3, 1, 1]


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        ({"LiteLLM_VerificationToken": [{"token": "t"}]}, Verdict.MANUAL),
        ([{"surprise": 1}], Verdict.MANUAL),
        ({"users": [], "surprise": {}}, Verdict.MANUAL),
        ({"users": [1]}, Verdict.REFUSED),
        ("text", Verdict.REFUSED),
        ([], Verdict.EXACT),
        ({"users": [], "total": "many"}, Verdict.EXACT),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, content: object, verdict: Verdict) -> None:
    (tmp_path / "data.json").write_text(json.dumps(content))
    notes = RowNotes()
    found = read_export(tmp_path, notes)
    assert [one.verdict for one in notes] == [verdict]
    assert not any(found.tables.values())


def test_a_file_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm_export, "MAX_FILE_BYTES", 10)
    (tmp_path / "users.json").write_text(json.dumps([user("a")]))
    with pytest.raises(ConfigurationError, match="split it"):
        read_export(tmp_path, RowNotes())
