import pytest

from support.directories import Where, query
from support.management import Management, refusal


@pytest.mark.parametrize("prefix", ["/customer", "/end_user"])
async def test_an_end_user_is_made_shown_changed_blocked_and_deleted(
    service: Management, prefix: str
) -> None:
    made = await service.made(f"{prefix}/new", user_id="shop", max_budget="0.5")
    assert (made["max_budget"], made["models"], made["blocked"]) == (0.5, "all", False)
    changed = await service.made(f"{prefix}/update", user_id="shop", models=["a"], version=1)
    assert (changed["models"], changed["version"]) == (["a"], 2)
    for path, blocked in ((f"{prefix}/block", True), (f"{prefix}/unblock", False)):
        answered = await service.made(path, user_ids=["shop"])
        assert answered["customers"][0]["blocked"] is blocked  # type: ignore[index]
    info = await service.get("root", f"{prefix}/info", end_user_id="shop")
    assert info.json()["version"] == 4
    listed = (await service.get("root", f"{prefix}/list", blocked="false")).json()
    assert [one["user_id"] for one in listed["customers"]] == ["shop"]
    await service.made(f"{prefix}/delete", user_ids=["shop"])
    gone = await service.get("root", f"{prefix}/info", end_user_id="shop")
    assert refusal(gone) == (404, "not_found", "end_user_id")


async def test_a_named_budget_is_many_rows_budget(service: Management) -> None:
    made = await service.made(
        "/budget/new", budget_id="small", max_budget=10, budget_duration="30d"
    )
    assert (made["budget_id"], made["max_budget"], made["budget_duration"]) == ("small", 10, "30d")
    await service.made("/customer/new", user_id="shop", budget_id="small")
    await service.made("/team/new", team_id="red", budget_id="small")
    await service.made("/budget/update", budget_id="small", max_budget=20)
    shop = (await service.get("root", "/customer/info", end_user_id="shop")).json()
    red = (await service.get("root", "/team/info", team_id="red")).json()["team_info"]
    for row in (shop, red):
        assert (row["max_budget"], row["budget_duration"], row["budget_id"]) == (20, "30d", "small")
    in_use = await service.post("root", "/budget/delete", id="small")
    assert refusal(in_use) == (409, "in_use", "budget_id")
    own = await service.made("/customer/update", user_id="shop", max_budget=1)
    assert (own["max_budget"], own["budget_id"], own["budget_duration"]) == (1, None, None)
    await service.made("/team/update", team_id="red", budget_id=None)
    await service.made("/budget/delete", id="small")
    assert (await service.get("root", "/budget/list")).json()["total"] == 0


async def test_own_budgets_of_rows_are_no_named_ones(service: Management, where: Where) -> None:
    await service.made("/team/new", team_id="red", max_budget=1)
    ((own,),) = query(where, "SELECT budget_id FROM budgets")
    assert (await service.get("root", "/budget/list")).json()["total"] == 0
    shown = await service.ask("root", "POST", "/budget/info", {"budgets": [own]})
    assert shown.json() == {"budgets": []}
    for path, body in (
        ("/budget/update", {"budget_id": own, "max_budget": 1000}),
        ("/budget/delete", {"id": own}),
    ):
        assert refusal(await service.post("root", path, **body)) == (404, "not_found", "budget_id")
    other = await service.post("root", "/team/new", team_id="blue", budget_id=own)
    assert refusal(other) == (400, "reference_unknown", "budget_id")


async def test_a_budget_says_everything_that_a_budget_can(service: Management) -> None:
    said = {
        "max_budget": 100,
        "soft_budget": 80,
        "max_tokens": 1_000_000,
        "soft_tokens": 900_000,
        "max_requests": 5000,
        "soft_requests": 4000,
        "budget_duration": "month in Europe/Berlin",
        "model_max_budget": {
            "gpt-4o*": {"max_budget": 10, "max_requests": 7, "budget_duration": "1d"}
        },
        "temp_budget_increase": 50,
        "temp_budget_expiry": "2026-12-01T12:00:00Z",
    }
    made = await service.made("/budget/new", budget_id="big", **said)
    assert {name: made[name] for name in said} == said
    listed = (await service.get("root", "/budget/list")).json()
    assert listed["budgets"] == [made]
    team = await service.made("/team/new", team_id="red", **said)
    assert {name: team["team_info"][name] for name in said} == said  # type: ignore[index]
    fewer = await service.made(
        "/team/update",
        team_id="red",
        soft_budget=None,
        max_tokens=5,
        soft_tokens=None,
        model_max_budget={},
        temp_budget_increase=None,
    )
    left = said | {
        "soft_budget": None,
        "max_tokens": 5,
        "soft_tokens": None,
        "model_max_budget": {},
        "temp_budget_increase": None,
        "temp_budget_expiry": None,
    }
    assert {name: fewer[name] for name in said} == left


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({}, "max_budget"),
        ({"budget_duration": "1d"}, "budget_duration"),
        ({"max_budget": 1, "soft_budget": 2}, "soft_budget"),
        ({"max_budget": 1, "temp_budget_increase": 1}, "temp_budget_expiry"),
        ({"max_budget": 1, "temp_budget_expiry": "2026-12-01T12:00:00Z"}, "temp_budget_expiry"),
        ({"max_budget": 1, "temp_budget_expiry": "2026-12-01T12:00:00"}, "temp_budget_expiry"),
        ({"max_budget": 1, "budget_duration": "month in Nowhere/Land"}, "budget_duration"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_requests": True}, "max_requests"),
        ({"model_max_budget": {"gpt": {}}}, "model_max_budget"),
        ({"model_max_budget": {"": {"max_budget": 1}}}, "model_max_budget"),
    ],
)
async def test_a_budget_that_cannot_be(
    in_file: Management, said: dict[str, object], param: str
) -> None:
    answer = await in_file.post("root", "/budget/new", budget_id="b", **said)
    assert refusal(answer) == (400, "bad_value", param)


async def test_what_is_used_stays_counted_when_a_limit_changes(
    service: Management, where: Where
) -> None:
    await service.made("/team/new", team_id="red", max_budget=1, budget_duration="30d")
    before = query(where, "SELECT budget_id, anchor FROM budgets")
    query(where, "UPDATE budgets SET anchor = anchor - 1000")
    ((budget_id, anchor),) = query(where, "SELECT budget_id, anchor FROM budgets")
    await service.made("/team/update", team_id="red", max_budget=2)
    assert query(where, "SELECT budget_id, anchor FROM budgets") == [(budget_id, anchor)]
    await service.made("/team/update", team_id="red", budget_duration="1d")
    ((same, anew),) = query(where, "SELECT budget_id, anchor FROM budgets")
    assert (same, budget_id) == (before[0][0], before[0][0])
    assert isinstance(anew, int)
    assert isinstance(anchor, int)
    assert anew >= anchor + 1000
