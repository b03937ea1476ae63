"""What is stored becomes a file, and the file becomes the same again."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatepass.plugin.declared.document import read_declared
from gatepass.plugin.declared.export import export_text
from gatepass.plugin.declared.rows import DEFAULTS, Kind, RowId, Rows
from support.commands import gatepass, write_settings
from support.declared import applied, declared, stored
from support.directories import Where

COMPANY = """\
budgets:
  gold: $100 per 30d
  silver: {limit: $9 per month in Europe/Berlin, model_limits: {"o3*": 5 requests per day}}
organizations:
  acme: {alias: "no", models: all, members: {ann: org_admin}}
teams:
  red:
    organization: acme
    models: [gpt-4o*, "123"]
    budget_id: gold
    member_budget: $5 and soft $4 per 1d
    model_aliases: {fast: gpt-4o}
    may_modify_guardrails: true
    members: {ann: admin, "true": {models: [gpt-4o], model_budgets: {gpt-4o: $1 per day}}}
  blue: {alias: "$${X}", blocked: true, budget: $1}
users:
  ann: {email: ann@example.com, home_issuer: https://idp.example, role: internal_user}
  "true": {invited: true, models: all}
customers:
  "17": {}
"""


async def test_applying_an_export_changes_nothing(where: Where, tmp_path: Path) -> None:
    await applied(where, declared(tmp_path, COMPANY))
    rows = await stored(where)
    again = declared(tmp_path, export_text(rows))
    assert (await applied(where, again, delete=True)).changes == ()
    assert again.rows.keys() == rows.keys()


def test_what_is_usual_is_left_out(tmp_path: Path) -> None:
    text = "teams:\n  red:\n    members:\n      ann: admin\nusers:\n  ann:\n    home_issuer: none\n"
    rows: Rows = {
        row: {**DEFAULTS[row.kind], **fields}
        for row, fields in declared(tmp_path, text).rows.items()
    }
    assert export_text(rows) == text
    assert export_text({}) == "{}\n"


_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9
)
_USERS = st.fixed_dictionaries(
    {
        "sso_user_id": st.none() | _TEXTS,
        "home_issuer": st.none() | _TEXTS,
        "invited": st.booleans(),
        "models": st.just("all") | st.lists(_TEXTS, max_size=3).map(tuple),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(_TEXTS, _USERS, max_size=4))
def test_whatever_is_stored_reads_back(
    tmp_path_factory: pytest.TempPathFactory, users: dict[str, dict[str, object]]
) -> None:
    rows: Rows = {
        RowId(Kind.USER, (name,)): {**DEFAULTS[Kind.USER], **fields}  # type: ignore[dict-item]
        for name, fields in users.items()
    }
    path = tmp_path_factory.mktemp("export") / "directory.yaml"
    path.write_text(export_text(rows))
    read = read_declared(path, {}).rows
    assert {row: {**DEFAULTS[row.kind], **fields} for row, fields in read.items()} == rows


async def test_the_command_writes_a_new_file(tmp_path: Path) -> None:
    path = write_settings(tmp_path, tmp_path / "gatepass.db")
    await gatepass(path, "teams", "create", "red")
    shown = await gatepass(path, "directory", "export")
    assert shown.out == "teams:\n  red: {}\n"
    out = str(tmp_path / "out.yaml")
    assert (await gatepass(path, "directory", "export", "--out", out)).status == 0
    assert "is there already" in (await gatepass(path, "directory", "export", "--out", out)).err
    nowhere = str(tmp_path / "no" / "out.yaml")
    assert (
        "cannot be written" in (await gatepass(path, "directory", "export", "--out", nowhere)).err
    )
    applied_again = await gatepass(path, "directory", "apply", out, "--delete")
    assert applied_again.out == "nothing to change\n"
