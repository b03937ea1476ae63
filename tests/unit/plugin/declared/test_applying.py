"""A file and a database: what is written, what is not, and what is refused as a whole."""

from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.plugin.declared import applying as declared_applying
from gatepass.plugin.declared.applying import CannotApply
from gatepass.plugin.declared.difference import Action
from gatepass.plugin.declared.rows import Kind, RowId
from gatepass.plugin.directory.changes import many as changes_many
from support.declared import NOW, applied, declared, stored
from support.directories import ISSUER, UPSERT, Where, open_directory, person, query, some

COMPANY: dict[str, dict[str, object]] = {
    "budgets": {"gold": "$100 per 30d"},
    "organizations": {
        "acme": {
            "alias": "Acme",
            "models": "all",
            "budget": "$1000 per 30d",
            "members": {"ann": "org_admin", "bob": {}},
        }
    },
    "teams": {
        "red": {
            "organization": "acme",
            "models": ["gpt-4o*"],
            "budget_id": "gold",
            "member_budget": "$5 per 1d",
            "model_aliases": {"fast": "gpt-4o-mini"},
            "may_modify_guardrails": True,
            "members": {"ann": "admin", "bob": {"models": ["gpt-4o"], "budget": "$0.02"}},
        },
        "blue": {"blocked": True},
    },
    "users": {
        "ann": {
            "email": "Ann@Example.com",
            "home_issuer": ISSUER,
            "sso_user_id": "sub-ann",
            "role": "internal_user",
            "models": "all",
            "budget_id": "gold",
        },
        "bob": {"invited": True},
    },
    "customers": {"shop": {"models": "all", "budget": "$1"}},
}


async def test_what_a_file_says_is_stored_and_doing_it_again_changes_nothing(
    where: Where, tmp_path: Path
) -> None:
    wanted = declared(tmp_path, COMPANY)
    first = await applied(where, wanted)
    assert {change.action for change in first.changes} == {Action.CREATE}
    assert len(first.changes) == 11
    rows = await stored(where)
    for row, fields in wanted.rows.items():
        assert {name: rows[row][name] for name in fields} == fields
    written = query(where, "SELECT count(*) FROM audit")
    assert written == [(11,)]
    again = await applied(where, wanted, delete=True)
    assert again.changes == ()
    assert query(where, "SELECT count(*) FROM audit") == written
    assert await stored(where) == rows
    assert query(where, "SELECT DISTINCT actor_subject, at FROM audit") == [("cli", NOW)]


async def test_only_what_differs_is_written_and_what_is_not_said_stays(
    where: Where, tmp_path: Path
) -> None:
    await applied(where, declared(tmp_path, COMPANY))
    wanted = declared(
        tmp_path,
        {
            "teams": {
                "red": {"budget": "$40 per 7d", "members": {"ann": "user"}},
                "blue": {"blocked": False},
            }
        },
    )
    found = await applied(where, wanted)
    changes = {(change.action, change.row.name): change for change in found.changes}
    assert changes.keys() == {
        (Action.UPDATE, "red"),
        (Action.UPDATE, "blue"),
        (Action.UPDATE, "red/ann"),
    }
    assert changes[Action.UPDATE, "red"].after.keys() == {"budget"}
    assert found.kept == (RowId(Kind.MEMBER, ("bob", "red")),)
    red = (await stored(where))[RowId(Kind.TEAM, ("red",))]
    assert red["models"] == ("gpt-4o*",)
    actions = query(where, "SELECT action FROM audit WHERE row_id = 'blue' ORDER BY entry")
    assert actions == [("create",), ("unblock",)]


async def test_nothing_is_deleted_unless_told_and_only_what_the_file_is_complete_for(
    where: Where, tmp_path: Path
) -> None:
    await applied(where, declared(tmp_path, COMPANY))
    wanted = declared(tmp_path, {"teams": {"red": {"members": {"ann": "admin"}}}})
    before = await stored(where)
    kept = await applied(where, wanted)
    assert kept.changes == ()
    assert {row.name for row in kept.kept} == {"blue", "red/bob"}
    assert await stored(where) == before
    gone = await applied(where, wanted, delete=True)
    assert [(change.action, change.row.name) for change in gone.changes] == [
        (Action.DELETE, "red/bob"),
        (Action.DELETE, "blue"),
    ]
    after = await stored(where)
    assert before.keys() - after.keys() == {change.row for change in gone.changes}


async def test_with_a_user_go_the_memberships(where: Where, tmp_path: Path) -> None:
    await applied(where, declared(tmp_path, COMPANY))
    users = {"users": {"ann": COMPANY["users"]["ann"]}}
    gone = await applied(where, declared(tmp_path, users), delete=True)
    assert [change.row.name for change in gone.changes] == ["red/bob", "acme/bob", "bob"]
    assert {row.name for row in await stored(where)} == {
        *("gold", "acme", "red", "blue", "ann", "acme/ann", "red/ann", "shop"),
    }


async def test_a_trial_says_the_same_and_keeps_nothing(where: Where, tmp_path: Path) -> None:
    wanted = declared(tmp_path, COMPANY)
    tried = await applied(where, wanted, keeps=False)
    assert await stored(where) == {}
    assert tried == await applied(where, wanted)


async def test_every_budget_is_stored_as_it_is_written(where: Where, tmp_path: Path) -> None:
    texts = (
        "$50",
        "$50 and soft $40 per 30d",
        "soft $1 per day in Europe/Berlin",
        "2000000 tokens and soft 1 token and 10 requests per quarter",
    )
    of_models = {"gpt-4o*": "$5 per day", "o3": "$5", "x": "1 request per 30d"}
    users: dict[str, object] = {
        f"u{at}": {"budget": text, "model_budgets": dict(of_models)}
        for at, text in enumerate(texts)
    }
    wanted = declared(tmp_path, {"users": {**users, "alone": {"model_budgets": of_models}}})
    await applied(where, wanted)
    rows = await stored(where)
    assert {row: rows[row]["budget"] for row in wanted.rows} == {
        row: fields["budget"] for row, fields in wanted.rows.items()
    }
    assert (await applied(where, wanted)).changes == ()


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"teams": {"red": {"organization": "no"}}}, "team red: needs organization no"),
        ({"teams": {"red": {"members": {"no": "user"}}}}, "member red/no: needs user no"),
        ({"users": {"u": {"budget_id": "no"}}}, "user u: needs budget no"),
        (
            {"users": {"u": {"email": "a@x.io"}, "v": {"email": "A@x.io"}}},
            "user v: Another user has this e-mail address. (email_taken, email)",
        ),
    ],
)
async def test_what_cannot_be_is_refused_as_a_whole(
    where: Where, tmp_path: Path, document: dict[str, object], sentence: str
) -> None:
    wanted = declared(tmp_path, {"customers": {"shop": {}}, **document})
    with pytest.raises(CannotApply) as caught:
        await applied(where, wanted)
    assert sentence in "\n".join(caught.value.sentences)
    assert await stored(where) == {}
    assert query(where, "SELECT count(*) FROM audit") == [(0,)]


async def test_a_budget_that_rows_go_by_does_not_go(where: Where, tmp_path: Path) -> None:
    await applied(where, declared(tmp_path, COMPANY))
    with pytest.raises(CannotApply, match="budget gold: Other rows depend"):
        await applied(where, declared(tmp_path, "budgets: {}"), delete=True)
    with pytest.raises(CannotApply, match="organization acme: Other rows depend"):
        await applied(where, declared(tmp_path, "organizations: {}"), delete=True)


async def test_a_row_that_a_file_has_made_is_linked_by_its_home_issuer_alone(
    where: Where, tmp_path: Path
) -> None:
    """Who a row belongs to is never said in a file: the first token of the right person says it."""
    await applied(where, declared(tmp_path, COMPANY))
    async with open_directory(where, UPSERT) as directory:
        (found,), effects = await directory.resolve(person("ann"), some("red"))
    assert found.user is not None
    assert found.member is not None
    assert [effect.kind for effect in effects] == ["user_linked"]
    again = await applied(where, declared(tmp_path, COMPANY))
    assert again.changes == ()


def many(number: int) -> dict[str, dict[str, object]]:
    names = [f"u{at}" for at in range(number)]
    return {
        "budgets": {"gold": "$1"},
        "teams": {"red": {"members": dict.fromkeys(names, "user")}},
        "users": {
            name: {
                "email": f"{name}@x.io",
                "home_issuer": ISSUER,
                "sso_user_id": f"id-{name}",
                **[{}, {"budget": "$5 and soft $4 per month"}, {"budget_id": "gold"}][at % 3],
            }
            for at, name in enumerate(names)
        },
    }


async def test_many_rows_are_made_together_and_are_what_they_would_be_alone(
    where: Where, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_many, "AT_ONCE", 7)
    wanted = declared(tmp_path, many(25))
    await applied(where, wanted)
    together = await stored(where)
    entries = query(where, "SELECT action, kind, row_id, group_id, before FROM audit")
    after = {str(text) for (text,) in query(where, "SELECT after FROM audit")}
    monkeypatch.setattr(declared_applying, "_MANY", 10_000)
    await applied(where, declared(tmp_path, "teams: {}\nusers: {}\nbudgets: {}"), delete=True)
    query(where, "DELETE FROM audit")
    await applied(where, wanted)
    assert await stored(where) == together
    assert set(query(where, "SELECT action, kind, row_id, group_id, before FROM audit")) == set(
        entries
    )
    assert len(after) == len(wanted.rows) == len(entries)
    assert (await applied(where, wanted, delete=True)).changes == ()


@pytest.mark.parametrize(
    ("of_the_last", "sentence"),
    [
        ({"email": "u0@x.io"}, "user u24: Another user has this e-mail address. (email_taken"),
        ({"sso_user_id": "id-u0"}, "user u24: Another user of the issuer has this sso_user_id"),
        ({"alias": " x"}, "team t24: A value is not possible. (bad_value, alias)"),
    ],
)
async def test_of_many_rows_the_one_that_cannot_be_is_named(
    where: Where, tmp_path: Path, of_the_last: dict[str, object], sentence: str
) -> None:
    document = many(25)
    if "alias" in of_the_last:
        document["teams"] |= {f"t{at}": {} for at in range(25)}
        row = RowId(Kind.TEAM, ("t24",))
        wanted = declared(tmp_path, document)
        wanted = replace(wanted, rows={**wanted.rows, row: {"alias": " x"}})
    else:
        document["users"]["u24"] = {"home_issuer": ISSUER, **of_the_last}
        wanted = declared(tmp_path, document)
    with pytest.raises(CannotApply) as caught:
        await applied(where, wanted)
    assert sentence in caught.value.sentences[0]
    assert await stored(where) == {}


async def test_of_many_rows_none_takes_what_a_stored_one_has(where: Where, tmp_path: Path) -> None:
    for field, value in (("email", "u3@x.io"), ("sso_user_id", "id-u3")):
        owner = {"users": {f"old-{field}": {"home_issuer": ISSUER, field: value}}}
        await applied(where, declared(tmp_path, owner))
        with pytest.raises(CannotApply, match="user u3: "):
            await applied(where, declared(tmp_path, many(25)))
        await applied(where, declared(tmp_path, "users: {}"), delete=True)
