"""`gatepass decide`: what the Gate would say, without a trace in the database."""

import asyncio
import gzip
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.decide import Question, run_decide
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.request import BodyState
from support.clock import ManualClock
from support.directories import open_directory, query
from support.gates import (
    KEY,
    PRICES,
    WITHOUT_KEYS,
    ann,
    chat,
    chat_body,
    open_gate,
    rules,
    settings_file,
    token,
)
from support.static_keys import served
from support.tokens import ISSUER, key_set


def question(  # noqa: PLR0913 - the options of the command
    bearer: str | None = None,
    *,
    method: str = "POST",
    path: str = "/v1/chat/completions",
    body: str | None = None,
    profile: str = "default",
    headers: tuple[str, ...] = (),
) -> Question:
    return Question(
        ann().decode() if bearer is None else bearer,
        method,
        path,
        chat_body().decode() if body is None else body,
        profile,
        headers,
    )


def state_of(folder: Path) -> Mapping[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


QUESTIONS = {
    "allowed": question(),
    "no such route": question(path="/key/generate"),
    "ambiguous": question(path="/v1//models"),
    "no body": question(body=""),
    "another model": question(body=chat_body(model="o1").decode()),
    "garbage": question("garbage"),
    "no such profile": question(profile="other"),
    "method": question(method="get"),
    "two tokens": question(headers=("Authorization: Bearer x",)),
    "smuggled": question(headers=("X_Gatepass_User: root", "Connection: x-gatepass-role")),
}


ONE_MODEL = rules(models=["gpt-4o"])


async def by_the_gate(folder: Path, asked: Question) -> dict[str, object]:
    async with open_gate(folder, profiles=ONE_MODEL) as gate:
        decision = await gate.decide(asked.to_request())
    return {
        "allowed": decision.allowed,
        "status": decision.status,
        "code": decision.reason.code,
        "remove_headers": sorted(name.decode() for name in decision.remove_headers),
        "set_headers": {name.decode(): value.decode() for name, value in decision.set_headers},
    }


async def make_database(folder: Path) -> None:
    async with open_directory(folder / "gatepass.db") as directory:
        await directory.add_team("t1")


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("stored", [False, True])
def test_it_agrees_with_the_gate_and_leaves_the_database_alone(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    capsys: pytest.CaptureFixture[str],
    name: str,
    *,
    stored: bool,
) -> None:
    wanted = asyncio.run(by_the_gate(tmp_path_factory.mktemp("gate"), QUESTIONS[name]))
    if stored:
        asyncio.run(make_database(tmp_path))
    path = settings_file(tmp_path, profiles=ONE_MODEL)
    before = state_of(tmp_path)
    status = run_decide(path, QUESTIONS[name], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert {key: told[key] for key in wanted} == wanted
    assert status == (0 if wanted["allowed"] else 1)
    assert state_of(tmp_path) == before


def test_the_keys_that_the_service_keeps_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(key_set(KEY)) as url:
        ours = {**WITHOUT_KEYS, "jwks_uri": url, "allow_http_loopback": True}
        path = settings_file(tmp_path, stores={"keys_cache": "kept"}, issuers=[ours])
        assert run_decide(path, question(), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["allowed"]
    assert not (tmp_path / "kept").exists()


async def test_it_may_be_asked_while_the_gate_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    budget = {"users": {"upsert": True, "defaults": {"budget": "$0.011"}}}
    async with open_gate(tmp_path, ManualClock(), **budget) as gate:
        assert (await gate.decide(chat())).allowed
        # what the running process counted is not known here: it says so by asking for nothing
        status = await asyncio.to_thread(
            run_decide, tmp_path / "gatepass.yaml", question(), as_json=True
        )
        assert status == 0
        told = json.loads(capsys.readouterr().out)
        assert told["effects"] == []
        assert query(tmp_path / "gatepass.db", "SELECT count(*) FROM users") == [(1,)]


def test_the_steps_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = settings_file(tmp_path)
    bearer = token(team="t1")
    assert run_decide(path, question(bearer.decode()), as_json=False) == 0
    text = capsys.readouterr().out
    for expected in (
        "route       /v1/chat/completions under profile default",
        f"verify      signed by {ISSUER}",
        "identify    user ann; team t1; role internal_user; limits none",
        "ALLOWED allowed",
        "would bring about: user_created ann",
        "upstream gets x-gatepass-team-id: t1",
    ):
        assert expected in text
    assert bearer.decode() not in text
    assert run_decide(path, question("x"), as_json=False) == 1
    assert "DENIED 401 malformed: The token is malformed." in capsys.readouterr().out
    assert [entry.name for entry in tmp_path.iterdir()] == ["gatepass.yaml"]


def test_token_and_body_come_from_files_byte_by_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    octets = gzip.compress(b"{}\r\n")
    (tmp_path / "body").write_bytes(octets)
    (tmp_path / "token").write_bytes(ann() + b"\n")
    asked = question(f"@{tmp_path}/token", body=f"@{tmp_path}/body").to_request()
    assert asked.body == octets
    assert asked.headers == [(b"authorization", b"Bearer " + ann())]

    class Stdin:
        buffer = io.BytesIO(b" abc\xff \r\n")

    monkeypatch.setattr("sys.stdin", Stdin())
    assert question("-").to_request().headers == [(b"authorization", b"Bearer abc\xff")]
    assert question(body="").to_request().body is BodyState.NOT_SHOWN


def test_what_was_typed_is_what_is_asked() -> None:
    asked = question("a\udcff", path="/\udcff", headers=("X-A:  b\udcff ",), body="\udcff")
    request = asked.to_request()
    assert request.target == b"/\xff"
    assert request.body == b"\xff"
    assert list(request.headers) == [(b"authorization", b"Bearer a\xff"), (b"x-a", b"b\xff")]


@pytest.mark.parametrize(
    "wrong",
    [
        question("@/no/such/file"),
        question("@/"),
        question(body="@/no/such/file"),
        question(headers=("no colon",)),
        question(headers=(": value",)),
        question("Bearer x.y.z"),
        question(" bearer x.y.z"),
        question(path="v1/models"),
        question(path="https://gateway.example/v1/models"),
        question(path=""),
    ],
)
def test_an_option_that_cannot_be_read_is_a_sentence(tmp_path: Path, wrong: Question) -> None:
    with pytest.raises(ConfigurationError) as error:
        run_decide(settings_file(tmp_path), wrong, as_json=True)
    assert error.value.problems[0].startswith("--")


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"\x00" * 4096])
def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "gatepass.db").write_bytes(content)
    with pytest.raises(ConfigurationError, match="is not a database, or a damaged one"):
        run_decide(settings_file(tmp_path), question(), as_json=True)
    assert (tmp_path / "gatepass.db").read_bytes() == content


@pytest.mark.parametrize("database", ["x" * 300, "folder"])
def test_a_path_that_cannot_be_is_a_sentence(tmp_path: Path, database: str) -> None:
    (tmp_path / "folder").mkdir()
    path = settings_file(tmp_path, stores={"database": f"sqlite:///{database}"})
    with pytest.raises(ConfigurationError, match="its folder must exist, and both must be"):
        run_decide(path, question(), as_json=True)


def test_an_issuer_that_is_away_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    away = WITHOUT_KEYS | {
        "jwks_uri": "http://127.0.0.1:1/keys",
        "allow_http_loopback": True,
    }
    assert run_decide(settings_file(tmp_path, issuers=[away]), question(), as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "jwks_error"


def explained(
    path: Path, asked: Question, capsys: pytest.CaptureFixture[str]
) -> tuple[list[dict[str, object]], str]:
    """Return the rules that were read, as JSON, and what people are told."""
    status = run_decide(path, asked, as_json=True, explain=True)
    told = json.loads(capsys.readouterr().out)
    assert run_decide(path, asked, as_json=False, explain=True) == status
    return told["rules"], capsys.readouterr().out


def test_every_rule_that_was_read_is_told_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings_file(tmp_path, profiles=ONE_MODEL)
    rules_read, text = explained(path, question(), capsys)
    place = "profiles.default.permissions.internal_user"
    assert rules_read == [
        {
            "place": "roles",
            "entry": "internal_user: no scope, mapping or row says another",
            "admits": True,
        },
        {"place": f"{place}.routes[0]", "entry": "openai_routes", "admits": True},
        {"place": f"{place}.models[0]", "entry": "gpt-4o: gpt-4o", "admits": True},
        {"place": "users row ann models", "entry": "gpt-4o: all", "admits": True},
    ]
    assert f"    admits  {place}.routes[0] (openai_routes)" in text
    denied, text = explained(path, question(body=chat_body(model="o1").decode()), capsys)
    assert denied[-1]["place"] == f"{place}.models"
    assert not denied[-1]["admits"]
    assert f"    REFUSES {place}.models (o1: nothing in it admits this)" in text


def test_of_several_teams_each_is_told_up_to_the_one_that_pays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def stock() -> None:
        async with open_directory(tmp_path / "gatepass.db") as directory:
            for team, models in (("t1", ("o1",)), ("t2", ("gpt-4o",)), ("t3", ("gpt-4o",))):
                await directory.add_team(team, grants=RowDefaults(models=models))

    asyncio.run(stock())
    path = settings_file(tmp_path)
    asked = question(token(teams=["t1", "t2", "t3"]).decode())
    rules_read, _ = explained(path, asked, capsys)
    rows = [(rule["place"], rule["admits"]) for rule in rules_read if "row" in str(rule["place"])]
    assert rows == [("teams row t1 models", False), ("teams row t2 models[0]", True)]
    none = question(
        token(teams=["t1"]).decode(), body=chat_body(metadata={"guardrails": 1}).decode()
    )
    assert explained(path, none, capsys)[0][-1]["place"] == "teams row t1 models"
    asked = question(
        token(teams=["t2"]).decode(), body=chat_body(metadata={"guardrails": 1}).decode()
    )
    rules_read, text = explained(path, asked, capsys)
    assert rules_read[-1]["place"] == "teams row t2 may_modify_guardrails"
    assert "DENIED 403 guardrails_denied" in text


def test_a_team_that_is_barred_is_told_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def stock() -> None:
        async with open_directory(tmp_path / "gatepass.db") as directory:
            for team in ("t1", "t2"):
                await directory.add_team(team, grants=RowDefaults(models=("o1",)))

    asyncio.run(stock())
    query(tmp_path / "gatepass.db", "UPDATE teams SET blocked = 1 WHERE team_id = 't1'")
    asked = question(token(teams=["t1", "t2"]).decode())
    rules_read, text = explained(settings_file(tmp_path), asked, capsys)
    refused = [(rule["place"], rule["entry"]) for rule in rules_read if not rule["admits"]]
    assert refused == [
        ("teams row of an earlier team", "team_blocked"),
        ("teams row t2 models", "gpt-4o: nothing in it admits this"),
    ]
    assert "DENIED 403 team_blocked" in text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (chat_body(api_base="http://evil.example").decode(), "parameter_denied"),
        ("{", "body_not_json"),
        ("", "body_not_shown"),
    ],
)
def test_a_request_that_cannot_be_judged_is_told_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, code: str
) -> None:
    rules_read, text = explained(settings_file(tmp_path), question(body=body), capsys)
    assert rules_read[-1] == {
        "place": "request",
        "entry": "what it asks for could not be read or may not be asked for",
        "admits": False,
    }
    assert [rule["admits"] for rule in rules_read[:-1]] == [True] * (len(rules_read) - 1)
    assert code in text


def test_a_public_route_and_a_bad_token_have_their_rules_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules_found = rules()
    rules_found["default"] = {
        **dict(ONE_MODEL["default"]),  # type: ignore[call-overload]
        "public_routes": ["/a", "GET /v1/status"],
    }
    path = settings_file(tmp_path, profiles=rules_found)
    found, _ = explained(path, question(method="GET", path="/v1/status"), capsys)
    place = "profiles.default.public_routes[1]"
    assert found == [{"place": place, "entry": "GET /v1/status", "admits": True}]
    assert explained(path, question("garbage"), capsys)[0] == []
    assert explained(path, question(path="/v1//models"), capsys)[0] == []


def test_a_row_that_may_not_be_linked_is_named_with_its_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings_file(tmp_path)

    async def stock() -> None:
        async with open_directory(tmp_path / "gatepass.db") as directory:
            await directory.add_user("ann", home_issuer=None)

    asyncio.run(stock())
    assert run_decide(path, question(), as_json=True) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["code"] == "identity_denied"
    assert document["steps"][-1] == {
        "step": "link",
        "found": "user ann matches, and is not linked: the row has no home_issuer",
    }


def test_a_limit_that_refuses_is_told_in_a_step_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    defaults = {"upsert": True, "defaults": {"budget": "$0.000001"}}
    path = settings_file(tmp_path, users=defaults)
    assert run_decide(path, question(), as_json=False) == 1
    out = capsys.readouterr().out
    assert "  budgets     the user's limit of money is 0.000001, 0.000001 of it left: " in out
    path = settings_file(tmp_path, budgets={"proxy": "1 token per day", "prices": PRICES})
    assert run_decide(path, question(), as_json=False) == 1
    out = capsys.readouterr().out
    assert "the proxy's limit of tokens has less left than the call may use (it resets in" in out
