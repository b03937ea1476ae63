"""Two tenants in one directory: nothing of the one is the other's to see, to change or to probe.

A row of the matrix is what somebody asks for; who has no part in a row that is stored is answered
as for one that is not.
"""

from collections.abc import Mapping

import pytest

from gatepass.rbac.roles import Role
from support.management import Management, refusal

DENIED = (403, "administration_denied", None)
BY_THE_GATE = (403, "organization_denied", None)
ALLOWED = (200,)
Row = tuple[str, str, Mapping[str, object], tuple[object, ...]]


@pytest.fixture
async def tenants(service: Management) -> Management:
    """Acme with its team, its members and a viewer above them; evil, administered by eve."""
    for name in ("acme", "evil"):
        await service.made("/organization/new", organization_id=name, max_budget=1000)
    for name in ("eve", "vic", "cap", "mal", "both", "new"):
        await service.add(name, Role.INTERNAL_USER)
    await service.add("watch", Role.PROXY_ADMIN_VIEWER)
    for organization, name, role in (
        ("evil", "eve", "org_admin"),
        ("evil", "cap", "internal_user"),
        ("evil", "mal", "internal_user"),
        ("evil", "both", "internal_user"),
        ("acme", "both", "internal_user"),
        ("acme", "vic", "internal_user"),
        ("evil", "watch", "internal_user"),
    ):
        member = {"user_id": name, "role": role}
        await service.made("/organization/member_add", organization_id=organization, member=member)
    await service.made(
        "/team/new",
        team_id="pay",
        team_alias="payroll",
        organization_id="acme",
        max_budget="123.45",
        budget_duration="30d",
        members_with_roles=[{"user_id": "vic"}, {"user_id": "both"}],
    )
    await service.made(
        "/team/new",
        team_id="blue",
        organization_id="evil",
        max_budget=10,
        budget_duration="30d",
        members_with_roles=[{"user_id": "cap", "role": "admin"}],
    )
    await service.made("/team/new", team_id="lone")
    captain = {"user_id": "cap", "role": "admin"}
    await service.made("/team/member_add", team_id="lone", member=captain)
    return service


async def told(service: Management, who: str, path: str, **body: object) -> tuple[object, ...]:
    answer = await service.post(who, path, **body)
    return ALLOWED if answer.status_code == 200 else refusal(answer)


MATRIX: list[Row] = [
    # taking in: who belongs to nothing, and nobody else
    *(
        (
            "eve",
            "/organization/member_add",
            {"organization_id": "evil", "member": {"user_id": name}},
            verdict,
        )
        for name, verdict in (
            ("new", ALLOWED),
            ("vic", DENIED),
            ("root", DENIED),
            ("nobody-here", DENIED),
            ("watch", DENIED),
        )
    ),
    (
        "eve",
        "/organization/member_add",
        {"organization_id": "evil", "member": [{"user_id": "vic"}, {"user_id": "new"}]},
        DENIED,
    ),
    ("eve", "/organization/member_delete", {"organization_id": "evil", "user_id": "watch"}, DENIED),
    ("eve", "/organization/member_delete", {"organization_id": "evil", "user_id": "vic"}, DENIED),
    # into teams: members of the organization, and no proxy_admin
    *(
        (who, "/team/member_add", {"team_id": team, "member": {"user_id": name}}, verdict)
        for who, team, name, verdict in (
            ("eve", "blue", "mal", ALLOWED),
            ("cap", "blue", "both", ALLOWED),
            ("eve", "blue", "watch", DENIED),
            ("eve", "blue", "root", DENIED),
            ("cap", "blue", "vic", DENIED),
            ("cap", "blue", "nobody-here", DENIED),
            ("cap", "lone", "mal", DENIED),
            ("cap", "lone", "root", DENIED),
            ("cap", "lone", "nobody-here", DENIED),
            ("eve", "pay", "eve", DENIED),
            ("mal", "pay", "mal", DENIED),
        )
    ),
    # names: ids that a token could say, aliases that another has, budgets by name
    ("eve", "/team/new", {"organization_id": "evil", "team_alias": "ours"}, ALLOWED),
    ("eve", "/team/new", {"organization_id": "evil", "team_id": "hr-group"}, DENIED),
    ("eve", "/team/new", {"organization_id": "evil", "team_id": "pay"}, DENIED),
    ("eve", "/team/new", {"organization_id": "evil", "team_alias": "payroll"}, DENIED),
    ("eve", "/team/new", {"organization_id": "evil", "budget_id": "nope"}, DENIED),
    ("eve", "/team/new", {"organization_id": "nowhere"}, BY_THE_GATE),
    ("eve", "/team/new", {"organization_id": "acme"}, BY_THE_GATE),
    ("eve", "/team/update", {"team_id": "blue", "team_alias": "payroll"}, DENIED),
    ("eve", "/team/update", {"team_id": "blue", "team_alias": "blues"}, ALLOWED),
    ("root", "/team/update", {"team_id": "blue", "team_alias": "payroll"}, ALLOWED),
    # users: no address, no id
    ("eve", "/user/new", {"organizations": ["evil"]}, ALLOWED),
    ("eve", "/user/new", {"organizations": ["evil"], "user_email": "ceo@x.example"}, DENIED),
    ("eve", "/user/new", {"organizations": ["evil"], "user_id": "ceo"}, DENIED),
    # what is not theirs is refused before anything stored is read
    *(
        (who, path, body, DENIED)
        for who in ("mal", "eve")
        for path, body in (
            ("/team/update", {"team_id": "pay", "soft_budget": "123.46"}),
            ("/team/update", {"team_id": "pay", "soft_budget": "123.45"}),
            ("/team/update", {"team_id": "lone", "budget_duration": "30d"}),
            ("/team/update", {"team_id": "nowhere", "budget_duration": "30d"}),
            ("/team/update", {"team_id": "pay", "max_budget": 1, "budget_id": "x"}),
            (
                "/team/member_update",
                {"team_id": "pay", "user_id": "vic", "budget_duration": "1d"},
            ),
            (
                "/team/member_update",
                {"team_id": "pay", "user_id": "nobody-here", "budget_duration": "1d"},
            ),
        )
    ),
    ("eve", "/team/member_delete", {"team_id": "blue", "user_id": "mal"}, ALLOWED),
    ("eve", "/organization/member_delete", {"organization_id": "evil", "user_id": "mal"}, ALLOWED),
]


async def test_sec_59_the_matrix_of_who_may_change_what(tenants: Management) -> None:
    for who, path, body, verdict in MATRIX:
        assert await told(tenants, who, path, **body) == verdict, (who, path, body)


async def test_nobody_is_shown_where_else_a_member_belongs(tenants: Management) -> None:
    shown = (await tenants.get("eve", "/user/info", user_id="both")).json()
    assert [one["organization_id"] for one in shown["organizations"]] == ["evil"]
    assert shown["teams"] == []
    own = (await tenants.get("both", "/user/info")).json()
    assert [one["organization_id"] for one in own["organizations"]] == ["acme", "evil"]
    assert [one["team_id"] for one in own["teams"]] == ["pay"]
    everything = (await tenants.get("watch", "/user/info", user_id="both")).json()
    assert (len(everything["organizations"]), len(everything["teams"])) == (2, 1)


@pytest.mark.parametrize(
    ("who", "filters", "found"),
    [
        ("eve", {"team_id": "pay"}, []),
        ("eve", {"team_id": "nowhere"}, []),
        ("eve", {"team_id": "lone"}, []),
        ("eve", {"team_id": "blue"}, ["cap"]),
        ("eve", {"organization_id": "acme"}, []),
        ("eve", {"organization_id": "evil"}, ["both", "cap", "eve", "mal", "watch"]),
        ("both", {"organization_id": "acme"}, ["both"]),
        ("both", {"team_id": "pay"}, ["both"]),
        ("watch", {"team_id": "pay"}, ["both", "vic"]),
        ("watch", {"organization_id": "acme"}, ["both", "vic"]),
    ],
)
async def test_a_filter_finds_nothing_that_may_not_be_seen(
    tenants: Management, who: str, filters: dict[str, object], found: list[str]
) -> None:
    listed = (await tenants.get(who, "/user/list", **filters)).json()
    assert [one["user_id"] for one in listed["users"]] == found


async def test_a_limit_of_ones_own_is_not_thrown_off_by_leaving(tenants: Management) -> None:
    for name, extra in (("mal", {"max_budget_in_team": 1}), ("eve", {"models": ["gpt-4o*"]})):
        member = {"user_id": name}
        await tenants.made("/team/member_add", team_id="blue", member=member, **extra)
    mal, eve = ({"team_id": "blue", "user_id": name} for name in ("mal", "eve"))
    assert await told(tenants, "cap", "/team/member_delete", **mal) == DENIED
    assert await told(tenants, "eve", "/team/member_delete", **eve) == DENIED
    assert await told(tenants, "eve", "/team/member_update", **eve, models="all") == DENIED
    assert await told(tenants, "eve", "/team/member_delete", **mal) == ALLOWED


async def test_a_member_does_not_raise_what_each_member_may_spend(tenants: Management) -> None:
    share = {"team_id": "blue", "team_member_budget": 1000}
    assert await told(tenants, "eve", "/team/update", **share) == ALLOWED
    await tenants.made("/team/member_add", team_id="blue", member={"user_id": "eve"})
    for body in (
        {"team_member_budget": 2000},
        {"team_member_budget": None},
        {"team_member_budget_duration": "1s"},
    ):
        assert await told(tenants, "eve", "/team/update", team_id="blue", **body) == DENIED
    leaving = {"team_id": "blue", "user_id": "eve"}
    assert await told(tenants, "eve", "/team/member_delete", **leaving) == DENIED
    assert await told(tenants, "root", "/team/member_delete", **leaving) == ALLOWED


async def test_a_block_is_lifted_by_a_proxy_admin_alone(tenants: Management) -> None:
    assert await told(tenants, "eve", "/team/block", team_id="blue") == ALLOWED
    assert await told(tenants, "eve", "/team/block", team_id="blue") == ALLOWED
    for path, body in (
        ("/team/unblock", {"team_id": "blue"}),
        ("/team/update", {"team_id": "blue", "blocked": False}),
        ("/team/delete", {"team_ids": ["blue"]}),
    ):
        assert await told(tenants, "eve", path, **body) == DENIED
    member = {"team_id": "blue", "member": {"user_id": "mal"}}
    assert await told(tenants, "cap", "/team/member_add", **member) == DENIED
    assert await told(tenants, "root", "/team/unblock", team_id="blue") == ALLOWED
    assert await told(tenants, "cap", "/team/member_add", **member) == ALLOWED


async def test_nobody_works_on_in_a_blocked_organization(tenants: Management) -> None:
    await tenants.made("/organization/block", organization_ids=["evil"])
    for who, path, body in (
        ("eve", "/team/new", {"organization_id": "evil"}),
        ("eve", "/team/update", {"team_id": "blue", "max_budget": 5}),
        ("eve", "/team/delete", {"team_ids": ["blue"]}),
        ("eve", "/user/new", {"organizations": ["evil"]}),
        ("cap", "/team/member_add", {"team_id": "blue", "member": {"user_id": "mal"}}),
    ):
        assert await told(tenants, who, path, **body) == DENIED, path
    assert refusal(await tenants.get("eve", "/user/info", user_id="mal")) == DENIED
    await tenants.made("/organization/unblock", organization_ids=["evil"])
    assert await told(tenants, "eve", "/team/update", team_id="blue", max_budget=5) == ALLOWED


async def test_a_named_budget_stays_until_a_proxy_admin_takes_it(tenants: Management) -> None:
    await tenants.made("/budget/new", budget_id="gold", max_budget=5)
    await tenants.made("/team/update", team_id="blue", budget_id="gold")
    for path, body in (
        ("/team/update", {"team_id": "blue", "max_budget": 10**6}),
        ("/team/update", {"team_id": "blue", "max_budget": None}),
        ("/team/update", {"team_id": "blue", "budget_id": None}),
        ("/team/delete", {"team_ids": ["blue"]}),
    ):
        assert await told(tenants, "eve", path, **body) == DENIED, body
    shown = (await tenants.get("root", "/team/info", team_id="blue")).json()["team_info"]
    assert (shown["max_budget"], shown["budget_id"]) == (5, "gold")
    assert await told(tenants, "root", "/team/update", team_id="blue", max_budget=6) == ALLOWED


async def test_what_was_used_is_not_forgotten_by_taking_the_limit_away(tenants: Management) -> None:
    blue = {"team_id": "blue"}
    assert await told(tenants, "eve", "/team/update", **blue, max_budget=None) == DENIED
    assert await told(tenants, "eve", "/team/update", **blue, max_budget=20) == ALLOWED
    assert await told(tenants, "eve", "/team/update", **blue, soft_budget=1) == ALLOWED
    assert await told(tenants, "eve", "/team/update", **blue, max_budget=None) == ALLOWED
    assert await told(tenants, "eve", "/team/update", **blue, soft_budget=None) == DENIED
    assert await told(tenants, "root", "/team/update", **blue, soft_budget=None) == ALLOWED
    assert await told(tenants, "eve", "/team/update", **blue, max_budget=None) == ALLOWED
