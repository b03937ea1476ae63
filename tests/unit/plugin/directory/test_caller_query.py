"""The cost of finding somebody does not grow with the tables: every row is found by an index."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import Select, text
from sqlalchemy.dialects import sqlite

from gatepass.plugin.directory.accounts import _COULD_BE_MEANT
from gatepass.plugin.directory.caller_query import CALLER, parameters
from gatepass.rbac.teams import TeamChoice
from support.callers import SOMEBODY
from support.directories import open_directory

CHOICE = TeamChoice(
    ("a", "b"), required=False, creatable=False, aliases=("c", "d"), memberships=True
)
PERSON = {"issuer": "i", "subject": "s", "user_id": "u", "email": "e"}
NO_TABLES = ("SCAN CONSTANT ROW", "SCAN anyone", "SCAN candidates LEFT-JOIN")


@pytest.mark.parametrize(
    ("query", "values"),
    [(CALLER, parameters(SOMEBODY, CHOICE)), (_COULD_BE_MEANT, PERSON)],
    ids=["caller", "could be meant"],
)
async def test_no_table_is_read_from_end_to_end(
    file: Path, query: Select[tuple[object, ...]], values: Mapping[str, object]
) -> None:
    literal = query.params(**values).compile(
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
    )
    async with open_directory(file) as directory, directory._database.reading() as connection:
        plan = await connection.execute(text(f"EXPLAIN QUERY PLAN {literal}".replace(":", "\\:")))
        steps = [str(row[-1]) for row in plan]
    assert [step for step in steps if step.startswith("SCAN") and step not in NO_TABLES] == []
    assert any(step.startswith("SEARCH users USING INDEX") for step in steps)
