import pytest

from gatepass.rbac.roles import Role
from support.directories import Where, query
from support.management import Management, bearer, refusal

DENIED = (403, "administration_denied", None)


async def test_a_team_is_made_shown_changed_blocked_and_deleted(service: Management) -> None:
    await service.made("/user/new", user_id="ann")
    made = await service.made(
        "/team/new",
        team_id="red",
        team_alias="Reds",
        models=["gpt-4o*"],
        model_aliases={"fast": "gpt-4o-mini"},
        max_budget=100,
        budget_duration="month in Europe/Berlin",
        team_member_budget="2.5",
        team_member_budget_duration="1d",
        members_with_roles=[{"user_id": "ann", "role": "admin"}],
    )
    row = made["team_info"]
    assert isinstance(row, dict)
    assert (row["max_budget"], row["budget_duration"]) == (100, "month in Europe/Berlin")
    assert (row["team_member_budget"], row["team_member_budget_duration"]) == (2.5, "1d")
    assert row["model_aliases"] == {"fast": "gpt-4o-mini"}
    shown = (await service.get("root", "/team/info", team_id="red")).json()
    assert shown == made
    assert [(one["user_id"], one["role"]) for one in shown["team_memberships"]] == [
        ("ann", "admin")
    ]
    changed = await service.post(
        "root", "/team/update", team_id="red", team_member_budget=None, models="all"
    )
    assert (changed.json()["models"], changed.json()["team_member_budget"]) == ("all", None)
    blocked = await service.post("root", "/team/block", team_id="red")
    assert blocked.json()["blocked"] is True
    unblocked = await service.post("root", "/team/unblock", team_id="red")
    assert unblocked.json()["blocked"] is False
    gone = await service.post("root", "/team/delete", team_ids=["red"])
    assert gone.json()["teams"] == [unblocked.json()]
    assert (await service.get("root", "/team/info", team_id="red")).status_code == 404


async def test_nothing_of_a_deleted_team_is_left(service: Management, where: Where) -> None:
    await service.made("/user/new", user_id="ann")
    await service.made("/team/new", team_id="red", max_budget=1, team_member_budget=1)
    await service.made(
        "/team/member_add", team_id="red", member={"user_id": "ann"}, max_budget_in_team=1
    )
    assert query(where, "SELECT count(*) FROM budgets") == [(3,)]
    await service.made("/team/delete", team_ids=["red"])
    for table in ("teams", "memberships", "budgets"):
        assert query(where, f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608 - names of ours


async def test_members_are_added_changed_and_taken(service: Management) -> None:
    await service.made("/team/new", team_id="red")
    for name in ("ann", "bob"):
        await service.made("/user/new", user_id=name)
    added = await service.made(
        "/team/member_add",
        team_id="red",
        member=[{"user_id": "ann", "role": "admin"}, {"user_id": "bob"}],
        max_budget_in_team=5,
        budget_duration="30d",
    )
    members = added["team_memberships"]
    assert isinstance(members, list)
    assert [(one["user_id"], one["role"], one["max_budget_in_team"]) for one in members] == [
        ("ann", "admin", 5),
        ("bob", "user", 5),
    ]
    changed = await service.made(
        "/team/member_update", team_id="red", user_id="bob", role="admin", max_budget_in_team=None
    )
    assert (changed["role"], changed["max_budget_in_team"]) == ("admin", None)
    again = await service.post("root", "/team/member_add", team_id="red", member={"user_id": "bob"})
    assert refusal(again) == (409, "already_exists", "team_id")
    await service.made("/team/member_delete", team_id="red", user_id="bob")
    gone = await service.post("root", "/team/member_delete", team_id="red", user_id="bob")
    assert refusal(gone) == (404, "not_found", "team_id")
    nowhere = await service.post("root", "/team/member_add", team_id="x", member={"user_id": "bob"})
    assert refusal(nowhere) == (404, "not_found", "team_id")
    nobody = await service.post("root", "/team/member_add", team_id="red", member={"user_id": "x"})
    assert refusal(nobody) == (400, "reference_unknown", "user_id")


async def test_teams_are_listed_by_page_and_filter(service: Management) -> None:
    await service.made("/organization/new", organization_id="acme")
    for at in range(3):
        await service.made("/team/new", team_id=f"t{at}")
    await service.made(
        "/team/new", team_id="x", team_alias="X", organization_id="acme", blocked=True
    )
    page = (await service.get("root", "/team/list", page=2, page_size=3)).json()
    assert ([one["team_id"] for one in page["teams"]], page["total"]) == (["x"], 4)
    for filtered in ({"team_alias": "X"}, {"organization_id": "acme"}, {"blocked": "true"}):
        (found,) = (await service.get("root", "/team/list", **filtered)).json()["teams"]
        assert found["team_id"] == "x"


@pytest.fixture
async def peopled(service: Management) -> Management:
    """Acme with an org_admin and a team, whose captain is its admin member; a team of nobody's."""
    for name in ("acme", "other"):
        await service.made("/organization/new", organization_id=name)
    await service.made("/team/new", team_id="red", organization_id="acme")
    await service.made("/team/new", team_id="blue", organization_id="other")
    await service.made("/team/new", team_id="lone")
    for name in ("org", "captain", "ann", "bob"):
        await service.add(name, Role.INTERNAL_USER)
    for name, role in (("org", "org_admin"), ("ann", "internal_user")):
        member = {"user_id": name, "role": role}
        await service.made("/organization/member_add", organization_id="acme", member=member)
    for team in ("red", "lone"):
        captain = {"user_id": "captain", "role": "admin"}
        await service.made("/team/member_add", team_id=team, member=captain)
    return service


async def test_an_org_admin_administers_the_teams_of_their_organization(
    peopled: Management,
) -> None:
    made = await peopled.post("org", "/team/new", team_alias="New", organization_id="acme")
    assert made.status_code == 200
    new = made.json()["team_id"]
    assert len(new) == 32
    listed = (await peopled.get("org", "/team/list")).json()
    assert {one["team_id"] for one in listed["teams"]} == {new, "red"}
    for path, body in (
        ("/team/update", {"team_id": "red", "max_budget": 50}),
        ("/team/block", {"team_id": "red"}),
        ("/team/block", {"team_id": "red"}),
        ("/team/member_add", {"team_id": "red", "member": {"user_id": "ann", "role": "admin"}}),
        ("/team/member_update", {"team_id": "red", "user_id": "ann", "max_budget_in_team": 1}),
        ("/team/member_delete", {"team_id": "red", "user_id": "ann"}),
        ("/team/delete", {"team_ids": [new]}),
    ):
        answer = await peopled.post("org", path, **body)
        assert answer.status_code == 200, (path, answer.text)


async def test_an_org_admin_gets_nowhere_else(peopled: Management) -> None:
    for path, body in (
        ("/team/update", {"team_id": "red", "organization_id": None}),
        ("/team/update", {"team_id": "red", "organization_id": "other"}),
        ("/team/update", {"team_id": "red", "may_modify_guardrails": True}),
        ("/team/update", {"team_id": "red", "budget_id": "big"}),
        ("/team/update", {"team_id": "blue", "max_budget": 50}),
        ("/team/update", {"team_id": "nowhere", "max_budget": 50}),
        ("/team/delete", {"team_ids": ["lone"]}),
        ("/team/delete", {"team_ids": ["nowhere"]}),
        ("/team/block", {"team_id": "blue"}),
        ("/team/member_add", {"team_id": "red", "member": {"user_id": "bob"}}),
        ("/team/member_add", {"team_id": "red", "member": {"user_id": "nobody"}}),
        ("/team/member_add", {"team_id": "lone", "member": {"user_id": "ann"}}),
        ("/organization/update", {"organization_id": "acme", "max_budget": 10**6}),
        ("/budget/new", {"max_budget": 1}),
        ("/customer/new", {"user_id": "shop"}),
    ):
        answer = await peopled.post("org", path, **body)
        assert refusal(answer) == DENIED, (path, body)
    for body in ({}, {"organization_id": "other"}):
        answer = await peopled.post("org", "/team/new", **body)
        assert answer.status_code == 403
    assert refusal(await peopled.get("org", "/team/info", team_id="blue")) == DENIED
    assert refusal(await peopled.get("org", "/team/info", team_id="nowhere")) == DENIED
    assert refusal(await peopled.get("org", "/budget/list")) == DENIED
    assert refusal(await peopled.get("org", "/customer/list")) == DENIED


async def test_nobody_raises_the_money_that_binds_them(peopled: Management) -> None:
    await peopled.made("/team/member_add", team_id="red", member={"user_id": "org"})
    for who, path, body in (
        ("org", "/team/member_update", {"user_id": "org", "max_budget_in_team": 1000}),
        ("captain", "/team/member_update", {"user_id": "captain", "max_budget_in_team": 1000}),
        ("captain", "/team/member_update", {"user_id": "org", "max_budget_in_team": 1000}),
        ("captain", "/team/update", {"max_budget": 1000}),
        ("org", "/user/update", {"user_id": "org", "max_budget": 1000}),
    ):
        sent = body if path == "/user/update" else {"team_id": "red", **body}
        assert refusal(await peopled.post(who, path, **sent)) == DENIED, (who, path)


async def test_a_captain_adds_and_takes_plain_members_alone(peopled: Management) -> None:
    added = await peopled.post(
        "captain", "/team/member_add", team_id="red", member={"user_id": "ann"}
    )
    assert added.status_code == 200
    taken = await peopled.post("captain", "/team/member_delete", team_id="red", user_id="ann")
    assert taken.status_code == 200
    for path, body in (
        ("/team/member_add", {"member": {"user_id": "ann", "role": "admin"}}),
        ("/team/member_add", {"member": {"user_id": "ann"}, "max_budget_in_team": 1}),
        ("/team/member_add", {"member": {"user_id": "ann"}, "models": "all"}),
        ("/team/member_add", {"member": {"user_id": "bob"}}),
        ("/team/member_add", {"member": {"user_id": "nobody"}}),
        ("/team/member_update", {"user_id": "captain", "role": "user"}),
        ("/team/member_delete", {"user_id": "captain"}),
    ):
        answer = await peopled.post("captain", path, team_id="red", **body)
        assert refusal(answer) == DENIED, (path, body)
    for name in ("bob", "root", "nobody"):
        into_nothing = await peopled.post(
            "captain", "/team/member_add", team_id="lone", member={"user_id": name}
        )
        assert refusal(into_nothing) == DENIED


async def test_everybody_sees_their_own_teams(peopled: Management) -> None:
    shown = await peopled.get("captain", "/team/info", team_id="lone")
    assert shown.status_code == 200
    listed = (await peopled.get("captain", "/team/list")).json()
    assert [one["team_id"] for one in listed["teams"]] == ["lone", "red"]
    assert refusal(await peopled.get("bob", "/team/info", team_id="lone")) == DENIED
    assert (await peopled.get("bob", "/team/list")).json()["total"] == 0


async def test_a_viewer_sees_everything_and_changes_nothing(peopled: Management) -> None:
    await peopled.add("viewer", Role.PROXY_ADMIN_VIEWER)
    for path in (
        "/user/list",
        "/team/list",
        "/organization/list",
        "/customer/list",
        "/budget/list",
    ):
        assert (await peopled.get("viewer", path)).status_code == 200
    nowhere = await peopled.get("viewer", "/team/info", team_id="nowhere")
    assert refusal(nowhere) == (404, "not_found", "team_id")
    for path, body in (
        ("/user/new", {}),
        ("/user/update", {"user_id": "viewer", "user_role": "proxy_admin"}),
        ("/team/update", {"team_id": "red", "blocked": True}),
        ("/team/member_add", {"team_id": "red", "member": {"user_id": "viewer"}}),
        ("/customer/block", {"user_ids": ["shop"]}),
        ("/budget/new", {"max_budget": 1}),
    ):
        assert refusal(await peopled.post("viewer", path, **body)) == DENIED, path


async def test_a_machine_sees_the_team_that_it_acts_for(peopled: Management) -> None:
    token = bearer("machine", user=None, team="red")
    headers = {"authorization": f"Bearer {token}"}
    shown = await peopled.ask(None, "GET", "/team/info?team_id=red", headers=headers)
    assert shown.status_code == 200
    for path in ("/team/info?team_id=lone", "/user/info"):
        answer = await peopled.ask(None, "GET", path, headers=headers)
        assert refusal(answer) == DENIED


async def test_a_token_that_says_less_than_the_rows_may_do_less(peopled: Management) -> None:
    await peopled.made(
        "/organization/member_update", organization_id="acme", user_id="ann", role="org_admin"
    )
    assert (await peopled.post("ann", "/team/block", team_id="red")).status_code == 200
    await peopled.made("/user/update", user_id="ann", user_role="internal_user_viewer")
    assert refusal(await peopled.post("ann", "/team/unblock", team_id="red")) == DENIED
