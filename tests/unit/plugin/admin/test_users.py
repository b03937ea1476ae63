import pytest

from gatepass.rbac.roles import Role
from support.directories import Where, query
from support.management import Management, refusal
from support.tokens import ISSUER

DENIED = (403, "administration_denied", None)


async def test_a_user_is_made_shown_changed_and_deleted(service: Management) -> None:
    made = await service.made(
        "/user/new",
        user_id="ann",
        user_email="Ann@Example.com",
        user_role="internal_user",
        models=["gpt-4o*"],
        max_budget="50.25",
        budget_duration="30d",
    )
    row = made["user_info"]
    assert isinstance(row, dict)
    assert row["user_email"] == "ann@example.com"
    assert (row["max_budget"], row["budget_duration"]) == (50.25, "30d")
    assert (row["home_issuer"], row["version"], row["linked_to"]) == (ISSUER, 1, None)
    changed = await service.post("root", "/user/update", user_id="ann", max_budget=75)
    assert (changed.json()["max_budget"], changed.json()["budget_duration"]) == (75, "30d")
    assert changed.headers["etag"] == '"2"'
    shown = await service.get("root", "/user/info", user_id="ann")
    assert shown.json()["user_info"] == changed.json()
    gone = await service.post("root", "/user/delete", user_ids=["ann"])
    assert gone.json()["users"] == [changed.json()]
    again = await service.get("root", "/user/info", user_id="ann")
    assert refusal(again) == (404, "not_found", "user_id")


async def test_what_is_left_out_is_as_upsert_would_make_it(service: Management) -> None:
    made = await service.made("/user/new")
    row = made["user_info"]
    assert isinstance(row, dict)
    assert len(str(row["user_id"])) == 32
    assert (row["models"], row["max_budget"], row["user_role"]) == ("all", None, None)


async def test_an_empty_list_of_models_is_none_and_not_all(service: Management) -> None:
    made = await service.made("/user/new", user_id="ann", models=[])
    assert made["user_info"]["models"] == []  # type: ignore[index]


async def test_null_takes_away_and_silence_keeps(service: Management) -> None:
    await service.made("/user/new", user_id="ann", user_email="a@b.example", max_budget=1)
    kept = await service.post("root", "/user/update", user_id="ann", models=None, blocked=None)
    assert (kept.json()["models"], kept.json()["version"]) == ("all", 1)
    cleared = await service.post(
        "root", "/user/update", user_id="ann", user_email=None, max_budget=None
    )
    assert (cleared.json()["user_email"], cleared.json()["max_budget"]) == (None, None)


async def test_a_user_with_teams_and_organizations(service: Management) -> None:
    await service.made("/organization/new", organization_id="acme")
    await service.made("/team/new", team_id="red")
    made = await service.made(
        "/user/new", user_id="ann", teams=["red", "red"], organizations=["acme"]
    )
    shown = await service.get("root", "/user/info", user_id="ann")
    assert shown.json() == made
    assert [team["team_id"] for team in shown.json()["teams"]] == ["red"]
    assert shown.json()["organizations"][0]["user_role"] == "internal_user"
    unknown = await service.post("root", "/user/new", user_id="bob", teams=["nowhere"])
    assert refusal(unknown) == (400, "reference_unknown", "team_id")
    assert (await service.get("root", "/user/info", user_id="bob")).status_code == 404


async def test_users_are_listed_by_page_and_filter(service: Management) -> None:
    await service.made("/team/new", team_id="red")
    for at in range(5):
        await service.made("/user/new", user_id=f"u{at}", user_email=f"u{at}@example.com")
    await service.made("/user/new", user_id="v", blocked=True, user_role="org_admin", teams=["red"])
    first = (await service.get("root", "/user/list", page_size=3)).json()
    assert [one["user_id"] for one in first["users"]] == ["root", "u0", "u1"]
    assert [first[name] for name in ("total", "page", "page_size", "total_pages")] == [7, 1, 3, 3]
    last = (await service.get("root", "/user/list", page=3, page_size=3)).json()
    assert [one["user_id"] for one in last["users"]] == ["v"]
    for query_ in (
        {"user_email": "U3@example.com"},
        {"blocked": "true"},
        {"role": "org_admin"},
        {"team_id": "red"},
    ):
        (found,) = (await service.get("root", "/user/list", **query_)).json()["users"]
        assert found["user_id"] == ("u3" if "user_email" in query_ else "v")
    none = (await service.get("root", "/user/list", organization_id="acme")).json()
    assert (none["users"], none["total"], none["total_pages"]) == ([], 0, 0)


@pytest.mark.parametrize(
    ("query_", "param"),
    [
        ({"page": 0}, "page"),
        ({"page_size": 501}, "page_size"),
        ({"page": "x"}, "page"),
        ({"role": "king"}, "role"),
    ],
)
async def test_a_page_is_bounded(
    in_file: Management, query_: dict[str, object], param: str
) -> None:
    assert refusal(await in_file.get("root", "/user/list", **query_)) == (400, "bad_value", param)


async def test_a_blocked_user_is_kept_out_from_the_next_request(service: Management) -> None:
    await service.add("ann", Role.INTERNAL_USER)
    assert (await service.get("ann", "/user/info")).status_code == 200
    blocked = await service.post("root", "/user/block", user_ids=["ann"])
    assert blocked.json()["users"][0]["blocked"] is True
    assert refusal(await service.get("ann", "/user/info")) == (403, "user_blocked", None)
    await service.post("root", "/user/unblock", user_ids=["ann"])
    assert (await service.get("ann", "/user/info")).status_code == 200


async def test_the_last_proxy_admin_stays(service: Management) -> None:
    for path, body in (
        ("/user/delete", {"user_ids": ["root"]}),
        ("/user/block", {"user_ids": ["root"]}),
        ("/user/update", {"user_id": "root", "user_role": "internal_user"}),
    ):
        answer = await service.post("root", path, **body)
        assert refusal(answer) == (409, "last_admin", "user_id")


async def test_a_second_proxy_admin_may_go(service: Management) -> None:
    await service.add("second", Role.PROXY_ADMIN)
    gone = await service.post("second", "/user/delete", user_ids=["root"])
    assert gone.status_code == 200


async def test_one_of_several_that_fails_takes_all_back(service: Management, where: Where) -> None:
    await service.made("/user/new", user_id="ann")
    answer = await service.post("root", "/user/delete", user_ids=["ann", "bob"])
    assert refusal(answer) == (404, "not_found", "user_id")
    assert query(where, "SELECT user_id FROM users ORDER BY user_id") == [("ann",), ("root",)]


async def test_everybody_sees_themselves_and_nobody_else(service: Management) -> None:
    await service.add("ann", Role.INTERNAL_USER)
    own = await service.get("ann", "/user/info")
    assert own.json()["user_id"] == "ann"
    for other in ("root", "nobody"):
        assert refusal(await service.get("ann", "/user/info", user_id=other)) == DENIED
    listed = (await service.get("ann", "/user/list")).json()
    assert ([one["user_id"] for one in listed["users"]], listed["total"]) == (["ann"], 1)


async def test_an_org_admin_makes_users_in_their_organization_only(service: Management) -> None:
    for name in ("acme", "other"):
        await service.made("/organization/new", organization_id=name)
    await service.add("org", Role.INTERNAL_USER)
    member = {"user_id": "org", "role": "org_admin"}
    await service.made("/organization/member_add", organization_id="acme", member=member)
    made = await service.post(
        "org", "/user/new", user_role="internal_user_viewer", organizations=["acme"]
    )
    assert made.status_code == 200
    new = made.json()["user_id"]
    assert (await service.get("org", "/user/info", user_id=new)).status_code == 200
    listed = (await service.get("org", "/user/list")).json()
    assert {one["user_id"] for one in listed["users"]} == {"org", new}
    for body in (
        {"organizations": ["other"]},
        {"organizations": ["acme", "other"]},
        {},
        {"organizations": ["acme"], "user_email": "stranger@example.com"},
        {"organizations": ["acme"], "user_role": "org_admin"},
        {"organizations": ["acme"], "max_budget": 1000},
        {"organizations": ["acme"], "models": "all"},
        {"organizations": ["acme"], "user_id": "bob"},
        {"organizations": ["acme"], "sso_user_id": "bob"},
        {"organizations": ["acme"], "teams": ["red"]},
    ):
        answer = await service.post("org", "/user/new", **body)
        assert refusal(answer) == DENIED
    for path, asked in (
        ("/user/update", {"user_id": new, "max_budget": 1000}),
        ("/user/update", {"user_id": "org", "max_budget": 1000}),
        ("/user/update", {"user_id": "org", "user_role": "proxy_admin"}),
        ("/user/block", {"user_ids": [new]}),
        ("/user/delete", {"user_ids": [new]}),
    ):
        assert refusal(await service.post("org", path, **asked)) == DENIED


async def test_sec_53_nobody_gets_at_an_account_by_writing_its_address(
    service: Management, where: Where
) -> None:
    await service.made("/organization/new", organization_id="acme")
    await service.add("org", Role.INTERNAL_USER)
    member = {"user_id": "org", "role": "org_admin"}
    await service.made("/organization/member_add", organization_id="acme", member=member)
    await service.add("victim", Role.PROXY_ADMIN, email="victim@example.com")
    before = query(where, "SELECT * FROM users WHERE user_id = 'victim'")
    for path, said in (
        ("/user/update", {"user_id": "victim", "user_email": "org@example.com"}),
        ("/user/update", {"user_id": "victim", "sso_user_id": "sub-org"}),
        ("/user/update", {"user_id": "org", "sso_user_id": "sub-victim"}),
        ("/user/update", {"user_id": "org", "user_email": "victim@example.com"}),
        ("/user/new", {"user_id": "mine", "organizations": ["acme"]}),
        ("/user/delete", {"user_ids": ["victim"]}),
    ):
        assert refusal(await service.post("org", path, **said)) == DENIED, said
    for address in ("Victim@example.com", "nobody@example.com"):
        written = await service.post("org", "/user/new", user_email=address, organizations=["acme"])
        assert refusal(written) == DENIED
    taken = await service.post("root", "/user/new", user_email="Victim@example.com")
    assert refusal(taken) == (409, "email_taken", "email")
    assert query(where, "SELECT * FROM users WHERE user_id = 'victim'") == before
