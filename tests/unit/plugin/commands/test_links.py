"""`gatepass users links|unlink|relink`, with the directory that is used by requests."""

import asyncio
import json
import os
import pwd
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from gatepass.plugin.cli import app
from gatepass.rbac.errors import AccessFault
from support.callers import SOMEBODY
from support.changes import last_audit
from support.directories import ISSUER, NO_TEAM, UPSERT, denied, open_directory, query
from support.settings import LEAST_TEXT

WHO_DID_WHAT = "SELECT actor_issuer, actor_subject, action, kind, row_id FROM audit"
WRONG = replace(
    SOMEBODY, subject="sub-wrong", user_id="w", email="ann@corp.example", email_verified=True
)
RIGHT = replace(WRONG, subject="sub-ann", user_id="a", email=None, email_verified=False)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "gatepass.yaml"
    path.write_text(LEAST_TEXT)
    return path


async def users(settings: Path, command: str, *options: str) -> tuple[int, str, str]:
    words = ["users", command, *options, "-c", str(settings)]
    result = await asyncio.to_thread(CliRunner().invoke, app, words)
    return result.exit_code, result.stdout, result.stderr


async def entries(settings: Path, user: str) -> Sequence[dict[str, object]]:
    status, text, _ = await users(settings, "links", user, "--json")
    assert status == 0
    found: list[dict[str, object]] = json.loads(text)
    return found


async def test_a_wrong_link_is_seen_undone_and_made_right(settings: Path) -> None:
    file = settings.with_name("gatepass.db")
    async with open_directory(file, UPSERT) as directory:
        await directory.add_user("legacy", email="ann@corp.example")
        await directory.resolve(WRONG, NO_TEAM)

        (entry,) = await entries(settings, "legacy")
        assert entry["action"] == "linked"
        assert (entry["issuer"], entry["subject"]) == (ISSUER, "sub-wrong")
        assert (entry["evidence"], entry["email"]) == ("verified_email", "ann@corp.example")

        status, text, _ = await users(settings, "unlink", "legacy")
        assert status == 0
        assert "unlinked" in text
        assert await denied(directory, WRONG, NO_TEAM) is AccessFault.IDENTITY_DENIED

        relink = ("legacy", "--issuer", ISSUER, "--subject", "sub-ann")
        assert (await users(settings, "relink", *relink))[0] == 0
        (found,), effects = await directory.resolve(RIGHT, NO_TEAM)
    assert found.user is not None
    assert (found.user.user_id, effects) == ("legacy", ())
    actions = [entry["action"] for entry in await entries(settings, "legacy")]
    assert actions == ["linked", "unlinked", "relinked"]
    status, text, _ = await users(settings, "links", "legacy")
    assert [line.split()[1] for line in text.splitlines()] == ["ACTION", *actions]
    assert query(file, "SELECT email_state FROM users") == [("entered",)]
    account = pwd.getpwuid(os.getuid()).pw_name
    assert query(file, WHO_DID_WHAT) == [(None, f"cli:{account}", "update", "user", "legacy")] * 2
    entry = last_audit(file)
    assert (str(entry["before"]).count("sub-ann"), str(entry["after"]).count("sub-ann")) == (0, 1)


async def test_what_cannot_be_done_is_said_and_changes_nothing(settings: Path) -> None:
    file = settings.with_name("gatepass.db")
    async with open_directory(file, UPSERT) as directory:
        await directory.add_user("ann", issuer=ISSUER, subject="sub-ann")
        await directory.add_user("free", home_issuer=ISSUER)
    before = query(file, "SELECT * FROM users ORDER BY user_id")
    ann = ("--issuer", ISSUER, "--subject", "sub-ann")
    for command, sentence in (
        (("links", "nobody"), "there is no such user"),
        (("unlink", "nobody"), "there is no such user"),
        (("relink", "nobody", *ann), "there is no such user"),
        (("unlink", "free"), "linked to nobody"),
        (("relink", "ann", *ann), "unlink it first"),
        (("relink", "free", *ann), "the subject has another user"),
    ):
        status, _, told = await users(settings, *command)
        assert status == 1
        assert sentence in told
    assert query(file, "SELECT * FROM users ORDER BY user_id") == before
    assert await entries(settings, "free") == []
    assert query(file, "SELECT count(*) FROM links") == [(0,)]


async def test_a_subject_cannot_command_the_terminal(settings: Path) -> None:
    file = settings.with_name("gatepass.db")
    async with open_directory(file, UPSERT) as directory:
        await directory.add_user("free", home_issuer=ISSUER)
    await users(settings, "relink", "free", "--issuer", ISSUER, "--subject", "\x1b[2Jx")
    _, text, _ = await users(settings, "links", "free")
    assert "\x1b" not in text
