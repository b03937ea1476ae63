"""`gatepass import litellm-rows`: verdicts, one transaction, and what is left as it is."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatepass.plugin.commands.acting import acting_as
from gatepass.plugin.declared.rows import Kind, RowId
from gatepass.plugin.directory.changes.transaction import IMPORT
from support.commands import Done, gatepass, write_settings
from support.declared import stored
from support.directories import Where, query
from support.litellm_rows import HOME, members, team, user

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    if request.param == "sqlite":
        return tmp_path / "gatepass.db"
    server: PostgresqlProcess = request.getfixturevalue("postgresql")
    return server.clean_database()


@pytest.fixture
def settings(tmp_path: Path, where: Where) -> Path:
    return write_settings(tmp_path, where)


@pytest.fixture
def in_file(tmp_path: Path) -> Path:
    return write_settings(tmp_path, tmp_path / "gatepass.db")


def put(folder: Path, content: bytes) -> None:
    (folder / "export" / "users.json").write_bytes(content)


async def import_rows(settings: Path, *words: str, **tables: object) -> Done:
    folder = settings.parent / "export"
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(rows))
    return await gatepass(settings, "import", "litellm-rows", str(folder), *words)


async def test_rows_are_taken_over_once_and_audited_as_an_import(
    settings: Path, where: Where
) -> None:
    tables = {
        "users": [user("ann", user_email="a@x.io", spend=2), user("bob", user_email="A@x.io")],
        "teams": [team("red", members_with_roles=members(ann="admin"), max_budget=5)],
    }
    tried = await import_rows(settings, "--dry-run", **tables)
    assert tried.status == 1
    assert "manual   user ann: user_email: 2 rows have this address" in tried.out
    assert tried.out.endswith("4 rows would be made\n")
    made = await import_rows(settings)
    assert "4 rows were made" in made.out
    rows = await stored(where)
    assert {row.name for row in rows} == {"ann", "bob", "red", "red/ann"}
    assert rows[RowId(Kind.USER, ("bob",))]["home_issuer"] == HOME
    account = acting_as(IMPORT).subject
    assert query(where, "SELECT DISTINCT actor_subject FROM audit") == [(account,)]
    again = await import_rows(settings, "--json")
    assert again.document["changes"] == again.document["kept"] == []
    assert again.document["spending"] == [
        {"kind": "user", "key": ["ann"], "spent_nano_usd": 2_000_000_000, "resets_at": None}
    ]
    assert await stored(where) == rows


async def test_what_new_rows_had_spent_counts_in_their_first_window(
    settings: Path, where: Where
) -> None:
    """Nobody gets their money twice by being moved."""
    monthly = {"max_budget": 50, "budget_duration": "30d"}
    over = {"spend": 5, "budget_reset_at": "2020-01-01T00:00:00Z"}
    share = {"budget_id": "share", "max_budget": 3, "budget_duration": "1mo"}
    done = await import_rows(
        settings,
        "--json",
        users=[user("ann", spend=2.5, **monthly), user("bob", **over, **monthly), user("eve")],
        teams=[
            team(
                "red",
                spend=4,
                max_budget=7,
                metadata={"team_member_budget_id": "share"},
                members_with_roles=members(ann="user", eve="user"),
            )
        ],
        budgets=[share],
        LiteLLM_TeamMembership=[
            {"user_id": "ann", "team_id": "red", "spend": 1, "budget_id": None},
            {"user_id": "eve", "team_id": "red", "spend": 0.5, "budget_id": "share"},
        ],
        customers=[{"user_id": "shop", "blocked": False, "spend": 9, "budget_id": "share"}],
        orgs=[{"organization_id": "acme", "organization_alias": "A", "spend": 1, "models": []}],
    )
    assert done.document["counters"] == 5
    counted = query(where, "SELECT counter, spent, reserved, since, ends_at FROM budget_counters")
    found = {tuple(json.loads(str(counter))[:2]): spent for counter, spent, *_ in counted}
    assert found == {
        ("user", "ann"): 2_500_000_000,
        ("team", "red"): 4_000_000_000,
        ("member", '["red","ann"]'): 1_000_000_000,
        ("member", '["red","eve"]'): 500_000_000,
        ("end_user", "shop"): 9_000_000_000,
    }
    for counter, _, reserved, since, ends_at in counted:
        assert reserved == 0
        if '"user","ann"' in str(counter):
            assert isinstance(since, int)
            assert ends_at == since + 30 * 86_400
    verified = await gatepass(settings, "budgets", "verify")
    assert verified.out == "counters and ledger agree\n"
    again = await import_rows(settings, "--json")
    assert again.document["counters"] == 0


async def test_what_is_stored_already_is_never_written_over(settings: Path, where: Where) -> None:
    """An import is no way to give an existing row another role, issuer or limit."""
    await gatepass(settings, "users", "create", "ann", "--home-issuer", "https://other.example")
    before = await stored(where)
    done = await import_rows(settings, users=[user("ann", user_role="proxy_admin")])
    assert done.status == 1
    assert (
        "manual   user ann: is stored already, and says something else: left as it is" in done.out
    )
    assert await stored(where) == before


async def test_while_a_row_is_refused_nothing_is_written(in_file: Path, tmp_path: Path) -> None:
    users = [user("ann", max_budget=-1), user("bob")]
    refused = await import_rows(in_file, users=users)
    assert refused.status == 2
    assert "refused  user ann: max_budget: must be a finite number" in refused.out
    assert "nothing was written (--skip-refused" in refused.out
    assert await stored(tmp_path / "gatepass.db") == {}
    document = (await import_rows(in_file, "--json")).document
    assert (document["status"], document["written"]) == (2, False)
    assert {row["verdict"] for row in document["rows"]} == {"exact", "refused"}
    skipped = await import_rows(in_file, "--skip-refused")
    assert skipped.status == 1
    assert {row.name for row in await stored(tmp_path / "gatepass.db")} == {"bob"}


async def test_every_row_has_a_verdict_and_all_are_shown_when_asked(in_file: Path) -> None:
    done = await import_rows(in_file, "--all", users=[user("ann"), user("b\x1b[2J")])
    assert "exact    user ann\n" in done.out
    assert "\x1b" not in done.out


@pytest.fixture
def two_issuers(in_file: Path) -> Path:
    more = "issuers:\n  - {issuer: https://two.example, audience: x}\n"
    in_file.write_text(in_file.read_text().replace("issuers:\n", more))
    return in_file


async def test_whose_ids_the_users_have_is_said_where_there_are_several_issuers(
    two_issuers: Path, tmp_path: Path
) -> None:
    in_file = two_issuers
    done = await import_rows(in_file, users=[user("ann")])
    assert done.status == 2
    assert f"--home-issuer: say whose ids the users have: https://two.example, {HOME}, none" in (
        done.err
    )
    done = await import_rows(in_file, "--home-issuer", "https://typo.example")
    assert "none of the settings' issuers" in done.err
    assert (await import_rows(in_file, "--home-issuer", "https://two.example")).status == 0
    ann = (await stored(tmp_path / "gatepass.db"))[RowId(Kind.USER, ("ann",))]
    assert ann["home_issuer"] == "https://two.example"
    done = await import_rows(in_file, "--home-issuer", "none", users=[user("bob")])
    bob = (await stored(tmp_path / "gatepass.db"))[RowId(Kind.USER, ("bob",))]
    assert bob["home_issuer"] is None


async def test_a_row_that_cannot_be_stored_takes_everything_back(
    in_file: Path, tmp_path: Path
) -> None:
    await gatepass(in_file, "users", "create", "ann", "--budget", "$1")
    ann = (await gatepass(in_file, "users", "show", "ann", "--json")).document
    before = await stored(tmp_path / "gatepass.db")
    of_ann = {"budget_id": ann["budget"]["budget_id"], "max_budget": 1}
    done = await import_rows(in_file, budgets=[of_ann], users=[user("bob")])
    assert done.status == 1
    assert "A row with this id is stored already." in done.err
    assert await stored(tmp_path / "gatepass.db") == before


async def test_what_is_no_export_ends_with_2(in_file: Path, tmp_path: Path) -> None:
    assert "holds no file" in (await import_rows(in_file)).err
    put(tmp_path, b'{"users": [{"user_id": "a", "user_id": "b"}]}')
    assert "names something twice" in (await import_rows(in_file)).err
    put(tmp_path, b"\xff")
    assert "cannot be read as UTF-8" in (await import_rows(in_file)).err
    done = await gatepass(in_file, "import", "litellm-rows", str(tmp_path / "no.json"))
    assert "cannot be read" in done.err
