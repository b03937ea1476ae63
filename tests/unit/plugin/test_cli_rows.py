"""`gatepass users|teams|orgs|customers|budgets`, on a file and on a server."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from gatepass.plugin.cli import app
from gatepass.plugin.cli_row_options import FIELDS, FILTERS
from gatepass.plugin.declared.field_values import READERS
from gatepass.plugin.declared.rows import Kind
from gatepass.plugin.declared.stored import STORED_KINDS
from support.commands import Done, gatepass, write_settings
from support.directories import Where, query

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess

NOUNS = ("users", "teams", "orgs", "customers", "budgets", "teams members", "orgs members")


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
    """Settings whose database is a file."""
    return write_settings(tmp_path, tmp_path / "gatepass.db")


async def ok(settings: Path, *words: str) -> Done:
    done = await gatepass(settings, *words)
    assert done.status == 0, done
    return done


async def test_every_kind_is_made_listed_shown_changed_blocked_and_deleted(
    settings: Path, where: Where
) -> None:
    await ok(settings, "budgets", "create", "gold", "--limit", "$100 per 30d")
    await ok(settings, "orgs", "create", "acme", "--alias", "Acme", "--models", "all")
    await ok(
        settings, "teams", "create", "red", "--organization", "acme", "--models", "gpt-4o*",
        "--models", "claude-*", "--budget-id", "gold", "--member-budget", "$5 per 1d",
        "--model-alias", "fast=gpt-4o-mini", "--may-modify-guardrails",
    )  # fmt: skip
    await ok(
        settings, "users", "create", "ann", "--email", "Ann@Example.com", "--role",
        "internal_user", "--home-issuer", "https://idp.example", "--sso-user-id", "00u1",
        "--invited", "--models", "all", "--budget", "$0.02",
    )  # fmt: skip
    await ok(settings, "teams", "members", "create", "red", "ann", "--role", "admin")
    await ok(settings, "orgs", "members", "create", "acme", "ann")
    await ok(settings, "customers", "create", "shop", "--models", "none")

    red = (await ok(settings, "teams", "show", "red", "--json")).document
    assert red["models"] == ["gpt-4o*", "claude-*"]
    assert red["budget"]["budget_id"] == "gold"
    assert red["member_budget"]["budget"] == "$5 per 1d"
    assert red["model_aliases"] == {"fast": "gpt-4o-mini"}
    ann = (await ok(settings, "users", "show", "ann")).out
    assert "email        ann@example.com" in ann
    assert "budget       $0.02" in ann
    listed = (await ok(settings, "teams", "members", "list", "--team", "red")).out
    assert [line.split() for line in listed.splitlines()] == [
        ["TEAM", "USER", "ROLE", "MODELS", "BUDGET"],
        ["red", "ann", "admin", "all", "-"],
    ]
    of_acme = (await ok(settings, "orgs", "members", "list", "--json")).document
    assert of_acme["rows"][0]["role"] == "internal_user"
    shown = (await ok(settings, "budgets", "list")).out
    assert shown == "BUDGET  LIMIT\ngold    $100 per 30d\n"

    await ok(settings, "teams", "update", "red", "--clear", "budget", "--models", "all")
    await ok(settings, "teams", "block", "red")
    assert "yes" in (await ok(settings, "teams", "list", "--blocked")).out
    await ok(settings, "teams", "unblock", "red")
    assert (await ok(settings, "teams", "list", "--blocked", "--json")).document["total"] == 0
    actions = query(where, "SELECT action FROM audit WHERE row_id = 'red' ORDER BY entry")
    assert actions == [("create",), ("update",), ("block",), ("unblock",)]

    for words in (
        ("teams", "members", "delete", "red", "ann"),
        ("users", "delete", "ann"),
        ("teams", "delete", "red"),
        ("orgs", "delete", "acme"),
        ("customers", "delete", "shop"),
        ("budgets", "delete", "gold"),
    ):
        assert (await ok(settings, *words, "--yes")).out.startswith("deleted ")
    left = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM budgets)"
    assert query(where, left) == [(0,)]


async def test_what_is_not_there_or_cannot_be_ends_with_1(settings: Path) -> None:
    await ok(settings, "teams", "create", "red")
    for words, sentence in (
        (("teams", "show", "no"), "team no: is not stored"),
        (("teams", "update", "no", "--alias", "x"), "team no: The row is not stored."),
        (("teams", "delete", "no", "--yes"), "team no: The row is not stored."),
        (("teams", "create", "red"), "A row with this id is stored already."),
        (("teams", "members", "create", "red", "no"), "(user_id)"),
        (("teams", "update", "red", "--budget-id", "no"), "(budget_id)"),
        (("orgs", "members", "show", "acme", "ann"), "organization member acme/ann"),
    ):
        done = await gatepass(settings, *words)
        assert done.status == 1, words
        assert done.err.startswith("gatepass: ")
        assert sentence in done.err
        assert not done.out
    refused = await gatepass(settings, "teams", "create", "red", "--json")
    assert refused.document == {
        "ok": False,
        "code": "already_exists",
        "field": "team_id",
        "problems": ["team red: A row with this id is stored already. (team_id)"],
    }


async def test_what_is_wrong_with_options_is_said_all_at_once_and_ends_with_2(
    in_file: Path,
) -> None:
    done = await gatepass(
        in_file, "users", "create", "u", "--email", "no", "--role", "admin", "--models", "",
        "--budget", "$1", "--budget-id", "gold",
    )  # fmt: skip
    assert done.status == 2
    for option in ("--email: ", "--role: ", "--models: ", "--budget-id: says the same"):
        assert option in done.err
    for words, sentence in (
        (("--clear", "blocked"), "--clear: possible: email, home_issuer"),
        (("--clear", "emial"), 'did you mean "email"'),
        (("--clear", "budget", "--budget", "$1"), "given a value as well"),
        ((), "say what to change"),
    ):
        done = await gatepass(in_file, "users", "update", "u", *words)
        assert done.status == 2
        assert sentence in done.err
    done = await gatepass(in_file, "teams", "create", "t", "--model-alias", "fast")
    assert "--model-alias: write NAME=VALUE" in done.err
    assert (await gatepass(in_file, "budgets", "create", "b")).status == 1


async def test_a_list_comes_a_page_at_a_time(in_file: Path) -> None:
    for name in ("a", "b", "c"):
        await ok(in_file, "customers", "create", name)
    first = (await ok(in_file, "customers", "list", "--size", "2")).out
    assert first.splitlines()[-1] == "page 1: 2 of 3; --page and --size show others"
    second = await ok(in_file, "customers", "list", "--size", "2", "--page", "2", "--json")
    assert [row["end_user_id"] for row in second.document["rows"]] == ["c"]


async def test_a_budget_of_one_row_is_no_named_one(in_file: Path) -> None:
    await ok(in_file, "users", "create", "ann", "--budget", "$1")
    ann = (await ok(in_file, "users", "show", "ann", "--json")).document
    assert (await ok(in_file, "budgets", "list", "--json")).document["rows"] == []
    own = ann["budget"]["budget_id"]
    assert (await gatepass(in_file, "budgets", "show", own)).status == 1


async def test_a_budget_says_what_may_be_used_of_which_models(settings: Path) -> None:
    whole, of_models = "$50 and soft $40 and 1000 requests per month", "gpt-4o*=$5 per day"
    await ok(
        settings, "users", "create", "ann", "--budget", whole, "--model-budget", of_models,
        "--model-budget", "o3=10 requests per 1m",
    )  # fmt: skip
    shown = (await ok(settings, "users", "show", "ann")).out
    assert f"{whole}, gpt-4o* $5 per day, o3 10 requests per 1m\n" in shown
    await ok(settings, "budgets", "create", "gold", "--limit", "2000000 tokens per 7d")
    await ok(settings, "budgets", "update", "gold", "--model-budget", "o3=$1")
    assert (await ok(settings, "budgets", "list")).out == "BUDGET  LIMIT\ngold    o3 $1\n"
    done = await gatepass(
        settings, "users", "update", "ann", "--budget-id", "gold", "--model-budget", "o3=$1"
    )
    assert "--model-budget: a named budget says this of all rows" in done.err
    for wrong in ("o3", "o3=ten", "=$1", "o3=$1 per blue moon"):
        done = await gatepass(settings, "users", "update", "ann", "--model-budget", wrong)
        assert done.status == 2
        assert done.err.startswith("--model-budget: ") or "--model-budget: " in done.err


async def test_a_budget_is_raised_for_a_time(in_file: Path) -> None:
    await ok(in_file, "users", "create", "ann", "--budget", "$50 per 30d")
    await ok(in_file, "budgets", "create", "gold", "--limit", "$9")
    await ok(in_file, "teams", "create", "red", "--budget-id", "gold")
    more = ("--by", "$10 and 5 requests", "--until", "2100-01-01")
    for words in (("users", "raise", "ann"), ("budgets", "raise", "gold")):
        done = await ok(in_file, *words, *more, "--json")
        row = done.document.get("budget") if words[0] == "users" else done.document
        assert row["raised"] == "$10 and 5 requests until 2100-01-01T00:00:00+00:00"
    assert "raised     $10 and 5" in (await ok(in_file, "budgets", "show", "gold")).out
    ended = (await ok(in_file, "users", "raise", "ann", "--end", "--json")).document["budget"]
    assert (ended["raised"], ended["budget"]) == (None, "$50 per 30d")
    for words in (("teams", "raise", "red"), ("users", "raise", "nobody")):
        assert (await gatepass(in_file, *words, *more)).status == 1
    for wrong in (
        ("--by", "$10"),
        ("--end", "--by", "$10"),
        ("--by", "ten", "--until", "2100-01-01"),
        ("--by", "$10 per day", "--until", "2100-01-01"),
        ("--by", "soft $10", "--until", "2100-01-01"),
        ("--by", "$10", "--until", "soon"),
        ("--by", "$10", "--until", "9999-12-31T23:59:59-23:59"),
    ):
        assert (await gatepass(in_file, "users", "raise", "ann", *wrong)).status == 2


async def test_the_last_administrator_does_not_go_by_accident(in_file: Path) -> None:
    await ok(in_file, "users", "create", "root", "--role", "proxy_admin")
    done = await gatepass(in_file, "users", "delete", "root", "--yes")
    assert done.status == 1
    assert "last proxy_admin" in done.err


async def test_what_is_stored_cannot_command_the_terminal(in_file: Path, tmp_path: Path) -> None:
    await ok(in_file, "teams", "create", "red")
    query(tmp_path / "gatepass.db", "UPDATE teams SET alias = ?", "\x1b[2J")
    for words in (("list",), ("show", "red")):
        assert "\x1b" not in (await ok(in_file, "teams", *words)).out


@pytest.mark.parametrize("noun", NOUNS)
def test_every_command_explains_itself_with_an_example(noun: str) -> None:
    for command in ("list", "show", "create", "update", "delete"):
        told = CliRunner().invoke(app, [*noun.split(), command, "--help"]).stdout
        assert f"Example: gatepass {noun} {command}" in told


def test_the_options_are_the_fields_of_a_file_and_the_filters_are_columns() -> None:
    for kind in Kind:
        assert FIELDS[kind].keys() == READERS[kind].keys() - {"blocked"}
        assert FILTERS[kind].keys() <= set(STORED_KINDS[kind].table.c.keys())
