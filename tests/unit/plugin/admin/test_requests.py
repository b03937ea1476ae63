"""What holds for every request: tokens, shapes, keys, versions, notices."""

import asyncio
import time

import pytest

from gatepass.rbac.roles import Role
from support.clock import ManualClock
from support.directories import Where, query
from support.management import Management, bearer, open_management, refusal

JSON = {"content-type": "application/json"}


async def test_without_a_token_nobody_gets_here(in_file: Management) -> None:
    answer = await in_file.get(None, "/user/list")
    assert refusal(answer) == (401, "no_token", None)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    document = await in_file.get(None, "/openapi.json")
    assert document.status_code == 401


async def test_the_profile_decides_which_role_may_call_which_route(in_file: Management) -> None:
    answer = await in_file.get("root", "/elsewhere")
    assert refusal(answer) == (403, "route_denied", None)


async def test_the_way_to_a_route_is_exact(in_file: Management) -> None:
    for path in ("/user/list/", "/user/%6cist", "/user/list;x", "/USER/list"):
        answer = await in_file.get("root", path)
        assert answer.status_code in {400, 403}, path


CANNOT_BE: list[tuple[bytes, str, str | None]] = [
    (b'{"user_id": "a", "user_id": "b"}', "body_not_json", None),
    (b'{"user_id": "a", "max_budget": NaN}', "body_not_json", None),
    (b'{"user_id": "a", "max_budget": Infinity}', "body_not_json", None),
    (b"\xff\xfe", "body_not_json", None),
    (b"{", "body_not_json", None),
    (b'{"user_id": ' + b"[" * 50 + b"]" * 50 + b"}", "body_not_json", None),
    (b"", "field_missing", None),
    (b"[]", "bad_value", None),
    (b'{"user_id": "a", "max_budget": -1}', "bad_value", "max_budget"),
    (b'{"user_id": "a", "max_budget": 1e400}', "bad_value", "max_budget"),
    (b'{"user_id": "a", "max_budget": 1e9999999999}', "bad_value", "max_budget"),
    (b'{"user_id": "a", "max_budget": "NaN"}', "bad_value", "max_budget"),
    (b'{"user_id": "a", "max_budget": "-5"}', "bad_value", "max_budget"),
    (b'{"user_id": "a", "max_budget": true}', "bad_value", "max_budget"),
    (b'{"user_id": "a", "max_budget": 0.0000000001}', "bad_value", "max_budget"),
    (b'{"user_id": "a", "max_budget": 1000000001}', "bad_value", "max_budget"),
    (b'{"user_id": "a", "max_budget": 1, "budget_duration": "1mo"}', "bad_value", None),
    (b'{"user_id": "a", "max_budget": 1, "budget_duration": "0s"}', "bad_value", None),
    (b'{"user_id": "a", "max_budget": 1, "budget_duration": 30}', "bad_value", None),
    (b'{"user_id": "a", "budget_duration": "30d"}', "bad_value", "budget_duration"),
    (b'{"user_id": "a", "max_budget": 1, "budget_id": "b"}', "bad_value", "budget_id"),
    (b'{"user_id": "a", "budget_id": "nowhere"}', "reference_unknown", "budget_id"),
    (b'{"user_id": "a", "metadata": {}}', "field_unknown", "metadata"),
    (b'{"user_id": "a", "<script>": 1}', "field_unknown", None),
    (b'{"user_id": "a", "models": "everything"}', "bad_value", "models"),
    (b'{"user_id": "a", "models": [1]}', "bad_value", "models"),
    (b'{"user_id": "a", "models": [""]}', "bad_value", "models"),
    (b'{"user_id": "a", "models": ["all"]}', "bad_value", "models"),
    (b'{"user_id": "a", "models": ["gpt-4o", "ALL"]}', "bad_value", "models"),
    (b'{"user_id": "a", "models": ["none"]}', "bad_value", "models"),
    (b'{"user_id": "a", "models": ["\\ud800"]}', "bad_value", "models"),
    (b'{"user_id": "a", "models": ["\\u0000"]}', "bad_value", "models"),
    (b'{"user_id": "a", "model_max_budget": {"\\ud800": {"max_budget": 1}}}', "bad_value", None),
    (b'{"user_id": "a", "model_max_budget": {"all": {"max_budget": 1}}}', "bad_value", None),
    (b'{"user_id": "a", "user_email": "\\ud800@b.example"}', "bad_value", None),
    (b'{"user_id": "\\ud800"}', "bad_value", "user_id"),
    (b'{"user_id": "e\\u0301"}', "bad_value", "user_id"),
    (b'{"user_id": "\\uff41nn"}', "bad_value", "user_id"),
    (b'{"user_id": "a", "home_issuer": "\\ud800"}', "bad_value", "home_issuer"),
    *(
        (
            b'{"user_id": "a", "max_budget": 1, "temp_budget_increase": 1, '
            b'"temp_budget_expiry": "' + moment + b'"}',
            "bad_value",
            "temp_budget_expiry",
        )
        for moment in (
            b"9999-12-31T23:59:59-23:59",
            b"0001-01-01T00:00:00+23:59",
            b"1969-12-31T00:00:00Z",
            b"2026-12-01T00:00:00",
        )
    ),
    (b'{"user_id": "a", "blocked": "yes"}', "bad_value", "blocked"),
    (b'{"user_id": "a", "user_role": "king"}', "bad_value", "user_role"),
    (b'{"user_id": "a", "user_role": "team"}', "bad_value", "user_role"),
    (b'{"user_id": "a", "user_email": "nobody"}', "bad_value", "email"),
    (b'{"user_id": " a"}', "bad_value", "user_id"),
    (b'{"user_id": "a\\u0000"}', "bad_value", "user_id"),
    (b'{"user_id": 7}', "bad_value", "user_id"),
]
"""Bodies for /user/new, with the code, and what it is about where that is said."""


async def test_sec_59_what_cannot_be_is_refused_by_name(service: Management) -> None:
    for raw, code, param in CANNOT_BE:
        answer = await service.ask("root", "POST", "/user/new", raw=raw)
        assert answer.status_code == 400, (raw, answer.text)
        assert refusal(answer)[1] == code, (raw, answer.text)
        assert param is None or refusal(answer)[2] == param, (raw, answer.text)
    assert (await service.get("root", "/user/list")).json()["total"] == 1


async def test_what_no_store_has_a_place_for_is_not_looked_for(service: Management) -> None:
    for path in (
        "/user/list?user_email=%00",
        "/user/list?team_id=%00",
        "/user/list?user_email=a%ED%A0%80",
        "/team/list?team_alias=%00",
        "/organization/info?organization_id=%00",
    ):
        answer = await service.ask("root", "GET", path)
        assert answer.status_code in {200, 400}, (path, answer.text)
        assert "%00" not in path or refusal(answer)[1] == "bad_value"


@pytest.mark.parametrize(
    ("written", "shown"),
    [("0", "0"), ("0.000000001", "1e-9"), ("1000000000", "1000000000"), ("50.10", "50.1")],
)
async def test_money_is_exact_whichever_way_it_is_written(
    in_file: Management, written: str, shown: str
) -> None:
    for at, raw in enumerate((written, f'"{written}"')):
        made = await in_file.ask(
            "root",
            "POST",
            "/budget/new",
            raw=f'{{"budget_id": "b{at}", "max_budget": {raw}}}'.encode(),
        )
        assert f'"max_budget":{shown}' in made.text.replace("1E-9", "1e-9")


async def test_a_limit_beyond_what_a_float_holds_stays_exact(
    service: Management, where: Where
) -> None:
    raw = b'{"budget_id": "b", "max_budget": 123456789.123456789}'
    made = await service.ask("root", "POST", "/budget/new", raw=raw)
    assert b'"max_budget":123456789.123456789' in made.content
    assert query(where, "SELECT limit_nano_usd FROM budgets") == [(123456789123456789,)]


async def test_a_version_that_is_not_the_rows_conflicts(service: Management) -> None:
    await service.made("/team/new", team_id="red")
    body = {"team_id": "red", "team_alias": "Reds"}
    changed = await service.ask("root", "POST", "/team/update", body, {"if-match": '"1"'})
    assert changed.headers["etag"] == '"2"'
    for extra, headers in (
        ({}, {"if-match": '"1"'}),
        ({"version": 1}, {}),
        ({"version": 2}, {"if-match": '"1"'}),
    ):
        late = await service.ask(
            "root", "POST", "/team/update", {**body, "team_alias": "x", **extra}, headers
        )
        assert refusal(late) == (409, "version_conflict", None)
    either = await service.ask("root", "POST", "/team/update", body, {"if-match": "*"})
    assert either.status_code == 200
    for wrong in ("2", '"two"', 'W/"2"', '"0"'):
        answer = await service.ask("root", "POST", "/team/update", body, {"if-match": wrong})
        assert refusal(answer)[:2] == (400, "bad_value")


async def test_of_ten_at_once_that_have_seen_the_same_version_one_changes_it(
    service: Management,
) -> None:
    await service.made("/team/new", team_id="red")
    asked = [
        service.post("root", "/team/update", team_id="red", team_alias=f"n{at}", version=1)
        for at in range(10)
    ]
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*asked)])
    assert statuses == [200, *[409] * 9]
    shown = (await service.get("root", "/team/info", team_id="red")).json()
    assert shown["team_info"]["version"] == 2


async def test_a_request_that_is_sent_again_is_carried_out_once(
    service: Management, where: Where
) -> None:
    key = {"idempotency-key": "k-1"}
    first = await service.ask("root", "POST", "/user/new", {"user_email": "a@b.example"}, key)
    again = await service.ask("root", "POST", "/user/new", {"user_email": "a@b.example"}, key)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert query(where, "SELECT count(*) FROM users") == [(2,)]
    other = await service.ask("root", "POST", "/user/new", {"user_email": "c@b.example"}, key)
    assert refusal(other) == (422, "key_reused", "idempotency-key")
    elsewhere = await service.ask("root", "POST", "/team/new", {"team_id": "red"}, key)
    assert refusal(elsewhere) == (422, "key_reused", "idempotency-key")
    await service.add("second", Role.PROXY_ADMIN)
    theirs = await service.ask("second", "POST", "/team/new", {"team_id": "red"}, key)
    assert theirs.status_code == 200


async def test_twenty_at_once_with_one_key_make_one_row(service: Management, where: Where) -> None:
    key = {"idempotency-key": "k-1"}
    asked = [service.ask("root", "POST", "/user/new", {}, key) for _ in range(20)]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert query(where, "SELECT count(*) FROM users") == [(2,)]
    assert query(where, "SELECT count(*) FROM audit WHERE actor_subject = 'sub-root'") == [(1,)]


async def test_a_refused_request_may_be_sent_again_with_its_key(service: Management) -> None:
    key = {"idempotency-key": "k-1"}
    body = {"user_id": "ann", "teams": ["red"]}
    assert (await service.ask("root", "POST", "/user/new", body, key)).status_code == 400
    await service.made("/team/new", team_id="red")
    assert (await service.ask("root", "POST", "/user/new", body, key)).status_code == 200


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "a\tb"])
async def test_a_key_that_cannot_be_one_is_refused(in_file: Management, key: str) -> None:
    answer = await in_file.ask("root", "POST", "/user/new", {}, {"idempotency-key": key})
    assert refusal(answer)[:2] == (400, "bad_value")


async def test_a_key_is_forgotten_after_a_day(
    where: Where, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clock = ManualClock()
    folder = tmp_path_factory.mktemp("settings")
    async with open_management(where, folder, clock) as service:
        key = {"idempotency-key": "k-1"}
        first = await service.ask("root", "POST", "/user/new", {}, key)
        query(where, "UPDATE answers SET at = at - 86400")
        second = await service.ask("root", "POST", "/user/new", {}, key)
        assert first.json()["user_id"] != second.json()["user_id"]
        assert query(where, "SELECT count(*) FROM answers") == [(1,)]


async def test_every_change_is_audited_with_who_made_it(service: Management, where: Where) -> None:
    await service.made("/team/new", team_id="red")
    await service.post("root", "/team/block", team_id="red")
    found = query(
        where,
        "SELECT actor_issuer, actor_subject, action, kind, row_id FROM audit "
        "WHERE kind = 'team' ORDER BY entry",
    )
    idp = "https://idp.example"
    assert found == [
        (idp, "sub-root", "create", "team", "red"),
        (idp, "sub-root", "block", "team", "red"),
    ]


async def test_whoever_lost_a_right_a_moment_ago_has_lost_it(service: Management) -> None:
    await service.add("second", Role.PROXY_ADMIN)
    assert (await service.get("second", "/budget/list")).status_code == 200
    await service.made("/user/update", user_id="second", user_role="internal_user")
    answer = await service.get("second", "/budget/list")
    assert refusal(answer) == (403, "administration_denied", None)


async def test_sec_60_no_answer_repeats_the_request(in_file: Management) -> None:
    canary = "canary-7b1f"
    for answer in (
        await in_file.post("root", "/user/new", user_id=f"\n{canary}"),
        await in_file.post("root", "/user/new", **{f"{canary}!": 1}),
        await in_file.post("root", "/user/update", user_id=canary, user_email=canary),
        await in_file.get("root", "/user/info", user_id=canary),
        await in_file.get("root", "/user/list", role=canary),
        await in_file.ask("root", "POST", "/user/new", {}, {"if-match": canary}),
    ):
        assert answer.status_code >= 400
        assert canary not in answer.text
        assert bearer("root") not in answer.text


async def test_a_method_that_a_route_has_not(in_file: Management) -> None:
    answer = await in_file.ask("root", "DELETE", "/user/new")
    assert refusal(answer) == (405, "method_not_allowed", None)


async def test_sec_38_a_body_that_is_too_large_is_refused_everywhere(in_file: Management) -> None:
    document = (await in_file.get("root", "/openapi.json")).json()
    changes = [
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
        if method != "get"
    ]
    assert len(changes) > 30
    for method, path in changes:
        answer = await in_file.ask("root", method, path, raw=b"[" + b"[]," * 200_000)
        assert refusal(answer) == (413, "body_too_large", None), path


async def test_a_body_at_the_limit_does_not_stop_the_others(in_file: Management) -> None:
    for raw in (b'{"user_ids": [', b'{"members_with_roles": [', b'{"user_id": ['):
        body = raw + b"[]," * 80_000 + b"1]}"
        before = time.process_time()
        assert (await in_file.ask("root", "POST", "/user/delete", raw=body)).status_code == 400
        assert time.process_time() - before < 1


@pytest.mark.parametrize(
    "said",
    [None, "application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "nonsense"],
)
async def test_a_body_is_json_whatever_it_is_called(in_file: Management, said: str | None) -> None:
    headers = {} if said is None else {"content-type": said}
    answer = await in_file.raw("root", "POST", "/user/new", b'{"user_id": "ann"}', headers)
    assert (answer.status_code, answer.json()["user_id"]) == (200, "ann")
    wrong = await in_file.raw("root", "POST", "/user/new", b"user_id=bob", headers)
    assert refusal(wrong) == (400, "body_not_json", None)


async def test_an_answer_that_is_given_again_has_its_version_too(service: Management) -> None:
    key = {"idempotency-key": "k-1"}
    body = {"organization_id": "acme"}
    first = await service.ask("root", "POST", "/organization/new", body, key)
    again = await service.ask("root", "POST", "/organization/new", body, key)
    assert first.headers["etag"] == again.headers["etag"] == '"1"'
    assert first.json() == again.json()


async def test_while_the_store_is_away_nobody_administers_anything(in_file: Management) -> None:
    await in_file.database.close()
    for answer in (
        await in_file.get("root", "/user/list"),
        await in_file.post("root", "/user/new"),
        await in_file.get("stranger", "/user/list"),
    ):
        assert refusal(answer) == (503, "store_error", None)
    await in_file.database.open()
    assert (await in_file.get("root", "/user/list")).status_code == 200


async def test_answers_are_not_stored_by_anybody(in_file: Management) -> None:
    for answer in (
        await in_file.get("root", "/user/info"),
        await in_file.get("root", "/user/info", user_id="nobody"),
    ):
        assert answer.headers["cache-control"] == "no-store"


async def test_a_public_route_of_the_profile_administers_nothing(
    where: Where, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("settings")
    profiles = {"default": {"public_routes": ["/user/list", "/user/new"], "permissions": {}}}
    async with open_management(where, folder, profiles=profiles) as service:
        denied = (403, "administration_denied", None)
        assert refusal(await service.get(None, "/user/list")) == denied
        assert refusal(await service.post(None, "/user/new")) == denied
