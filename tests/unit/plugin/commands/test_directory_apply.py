"""`gatepass directory apply`: the difference is shown, then made, or nothing is."""

from pathlib import Path

import pytest

from support.commands import gatepass, write_settings
from support.declared import stored
from support.directories import query
from support.tokens import ISSUER

TEAMS = """\
budgets: {gold: $100 per 30d}
teams:
  red: {alias: Red, models: [gpt-4o*, "\u00e9*"], budget: $50 per 30d, members: {ann: admin}}
  blue: {model_aliases: {fast: gpt-4o}, blocked: true, budget_id: gold}
users: {ann: {models: all}}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "rows.yaml").write_text(TEAMS)
    return write_settings(tmp_path, tmp_path / "gatepass.db")


async def test_a_trial_shows_the_difference_and_the_next_run_makes_it(
    settings: Path, tmp_path: Path
) -> None:
    rows = str(tmp_path / "rows.yaml")
    tried = await gatepass(settings, "directory", "apply", rows, "--dry-run")
    assert tried.status == 0
    assert tried.out.splitlines() == [
        "+ budget gold: limit $100 per 30d",
        "+ team red: alias Red; models [gpt-4o*, \u00e9*]; budget $50 per 30d",
        "+ team blue: blocked true; budget gold (named); model_aliases {fast: gpt-4o}",
        f"+ user ann: home_issuer {ISSUER}; models all",
        "+ member red/ann: role admin",
        "5 created, 0 updated, 0 deleted; nothing was changed: this was --dry-run",
    ]
    assert not (tmp_path / "gatepass.db").exists()
    made = await gatepass(settings, "directory", "apply", rows)
    assert made.out.splitlines()[:-1] == tried.out.splitlines()[:-1]
    assert made.out.endswith("5 created, 0 updated, 0 deleted\n")
    again = await gatepass(settings, "directory", "apply", rows, "--delete")
    assert again.out == "nothing to change\n"


async def test_what_differs_is_shown_as_it_was_and_as_it_is(settings: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.yaml"
    await gatepass(settings, "directory", "apply", str(rows))
    rows.write_text("teams: {red: {budget: null, alias: Crimson, members: {}}}")
    kept = await gatepass(settings, "directory", "apply", str(rows))
    assert kept.out.splitlines() == [
        "~ team red: budget $50 per 30d -> none; alias Red -> Crimson",
        "= team blue: not in the file, and kept (--delete lets it go)",
        "= member red/ann: not in the file, and kept (--delete lets it go)",
        "0 created, 1 updated, 0 deleted",
    ]
    gone = await gatepass(settings, "directory", "apply", str(rows), "--delete", "--json")
    assert [
        (change["action"], change["kind"], change["key"]) for change in gone.document["changes"]
    ] == [("delete", "member", ["ann", "red"]), ("delete", "team", ["blue"])]
    assert gone.document["changes"][1]["before"]["budget"] == {"budget_id": "gold"}
    assert {row.name for row in await stored(tmp_path / "gatepass.db")} == {"gold", "red", "ann"}


async def test_many_rows_that_stay_are_counted(settings: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.yaml"
    rows.write_text(f"customers: {{{', '.join(f'c{number}: ' for number in range(25))}}}")
    await gatepass(settings, "directory", "apply", str(rows))
    rows.write_text("customers: {}")
    kept = await gatepass(settings, "directory", "apply", str(rows))
    assert kept.out.splitlines()[-2:] == [
        "= and 5 more that are not in the file",
        "nothing to change",
    ]


async def test_what_cannot_be_changes_nothing_and_ends_with_1(
    settings: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.yaml"
    rows.write_text("teams: {red: {organization: no, members: {nobody: user}}}")
    done = await gatepass(settings, "directory", "apply", str(rows))
    assert done.status == 1
    assert done.err.splitlines() == [
        "gatepass: team red: needs organization no, which is not there",
        "gatepass: member red/nobody: needs user nobody, which is not there",
        "gatepass: nothing was changed",
    ]
    done = await gatepass(settings, "directory", "apply", str(rows), "--json")
    assert done.document["ok"] is False
    assert len(done.document["problems"]) == 2
    assert await stored(tmp_path / "gatepass.db") == {}


async def test_a_file_that_cannot_be_read_ends_with_2(settings: Path, tmp_path: Path) -> None:
    assert (await gatepass(settings, "directory", "apply", str(tmp_path / "no.yaml"))).status == 2


async def test_new_users_belong_to_the_only_issuer_unless_none_is_said(
    settings: Path, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.yaml"
    rows.write_text("users: {ann: {}, bob: {home_issuer: none}, cy: {home_issuer: null}}")
    await gatepass(settings, "directory", "apply", str(rows))
    await gatepass(settings, "users", "create", "dan", "--email", "dan@example.com")
    await gatepass(settings, "users", "create", "eve", "--home-issuer", "none")
    homes = query(
        tmp_path / "gatepass.db", "SELECT user_id, home_issuer FROM users ORDER BY user_id"
    )
    assert homes == [("ann", ISSUER), ("bob", None), ("cy", None), ("dan", ISSUER), ("eve", None)]
    again = await gatepass(settings, "directory", "apply", str(rows))
    assert again.out.endswith("nothing to change\n")
    out = tmp_path / "out.yaml"
    await gatepass(settings, "directory", "export", "--out", str(out))
    (tmp_path / "gatepass.db").unlink()
    await gatepass(settings, "directory", "apply", str(out))
    stored_now = "SELECT user_id, home_issuer FROM users ORDER BY user_id"
    assert query(tmp_path / "gatepass.db", stored_now) == homes


@pytest.mark.parametrize("models", ["[all]", "[All, gpt-4o]", "[none]"])
async def test_all_and_none_are_no_patterns(settings: Path, tmp_path: Path, models: str) -> None:
    rows = tmp_path / "rows.yaml"
    rows.write_text(f"teams: {{red: {{models: {models}}}}}")
    done = await gatepass(settings, "directory", "apply", str(rows))
    assert done.status == 2
    assert 'the word "all" stands without a list' in done.err
    words = models.strip("[]").split(", ")
    if len(words) > 1:
        options = [part for word in words for part in ("--models", word)]
        told = await gatepass(settings, "teams", "create", "red", *options)
        assert (told.status, "stands without a list" in told.err) == (2, True)
