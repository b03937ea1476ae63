"""The cost of finding somebody does not grow with the tables: every row is found by an index."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from gatepass.plugin.directory.accounts import _COULD_BE_MEANT
from gatepass.plugin.directory.caller_query import CALLER, parameters
from gatepass.rbac.teams import TeamChoice
from support.callers import SOMEBODY
from support.directories import query

CHOICE = TeamChoice(
    ("a", "b"), required=False, creatable=False, aliases=("c", "d"), memberships=True
)
PERSON = {"issuer": "i", "subject": "s", "user_id": "u", "email": "e"}
NO_TABLES = (
    "SCAN CONSTANT ROW",
    "SCAN anyone",
    "SCAN candidates LEFT-JOIN",
    "SCAN json_each VIRTUAL TABLE INDEX 1:",
)


@pytest.mark.parametrize(
    ("asked", "values"),
    [(CALLER, parameters(SOMEBODY, CHOICE)), (_COULD_BE_MEANT, PERSON)],
    ids=["caller", "could be meant"],
)
def test_no_table_is_read_from_end_to_end(
    file: Path, asked: Select[*tuple[object, ...]], values: Mapping[str, object]
) -> None:
    text = asked.params(**values).compile(
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
    )
    plan = query(file, f"EXPLAIN QUERY PLAN {text}")
    steps = [str(row[-1]) for row in plan]
    assert [step for step in steps if step.startswith("SCAN") and step not in NO_TABLES] == []
    assert any(step.startswith("SEARCH users USING INDEX") for step in steps)


def test_all_teams_are_read_when_the_memberships_are_to_follow_the_token() -> None:
    choice = TeamChoice(("a",), required=False, creatable=False)
    said = replace(SOMEBODY, team="b", teams=("a", "c"))
    few, all_of_them = parameters(said, choice), parameters(said, choice, all_teams=True)
    assert (few["team_ids"], few["memberships"]) == (("a",), False)
    assert (all_of_them["team_ids"], all_of_them["memberships"]) == (("a", "a", "c", "b"), True)
