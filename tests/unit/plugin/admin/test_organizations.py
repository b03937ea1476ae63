from gatepass.rbac.roles import Role
from support.management import Management, refusal

DENIED = (403, "administration_denied", None)


async def test_an_organization_is_made_shown_changed_blocked_and_deleted(
    service: Management,
) -> None:
    made = await service.made(
        "/organization/new", organization_id="acme", organization_alias="Acme", max_budget=1000
    )
    assert (made["models"], made["max_budget"]) == ("all", 1000)
    patched = await service.ask(
        "root", "PATCH", "/organization/update", {"organization_id": "acme", "models": ["a*"]}
    )
    assert patched.json()["models"] == ["a*"]
    posted = await service.made("/organization/update", organization_id="acme", max_budget=None)
    assert (posted["max_budget"], posted["version"]) == (None, 3)
    for path, blocked in (("/organization/block", True), ("/organization/unblock", False)):
        changed = await service.made(path, organization_ids=["acme"])
        assert changed["organizations"][0]["blocked"] is blocked  # type: ignore[index]
    listed = (await service.get("root", "/organization/list", organization_alias="Acme")).json()
    assert (listed["total"], listed["organizations"][0]["organization_id"]) == (1, "acme")
    gone = await service.ask(
        "root", "DELETE", "/organization/delete", {"organization_ids": ["acme"]}
    )
    assert gone.status_code == 200
    info = await service.get("root", "/organization/info", organization_id="acme")
    assert refusal(info) == (404, "not_found", "organization_id")


async def test_an_organization_with_teams_is_not_deleted(service: Management) -> None:
    await service.made("/organization/new", organization_id="acme")
    await service.made("/team/new", team_id="red", organization_id="acme")
    answer = await service.post("root", "/organization/delete", organization_ids=["acme"])
    assert refusal(answer) == (409, "in_use", "organization_id")
    await service.made("/team/update", team_id="red", organization_id=None)
    await service.made("/organization/delete", organization_ids=["acme"])


async def test_members_of_an_organization(service: Management) -> None:
    await service.made("/organization/new", organization_id="acme")
    for name in ("ann", "bob"):
        await service.made("/user/new", user_id=name)
    await service.made(
        "/organization/member_add",
        organization_id="acme",
        member=[{"user_id": "ann", "role": "org_admin"}, {"user_id": "bob"}],
    )
    info = (await service.get("root", "/organization/info", organization_id="acme")).json()
    assert [(one["user_id"], one["user_role"]) for one in info["members"]] == [
        ("ann", "org_admin"),
        ("bob", "internal_user"),
    ]
    changed = await service.ask(
        "root",
        "PATCH",
        "/organization/member_update",
        {"organization_id": "acme", "user_id": "ann", "role": "internal_user", "version": 1},
    )
    assert (changed.json()["user_role"], changed.json()["version"]) == ("internal_user", 2)
    gone = await service.ask(
        "root",
        "DELETE",
        "/organization/member_delete",
        {"organization_id": "acme", "user_id": "ann"},
    )
    assert gone.status_code == 200
    listed = (await service.get("root", "/user/list", organization_id="acme")).json()
    assert [one["user_id"] for one in listed["users"]] == ["bob"]


async def test_an_org_admin_brings_in_plain_members_and_makes_no_equals(
    service: Management,
) -> None:
    for name in ("acme", "other"):
        await service.made("/organization/new", organization_id=name)
    for name in ("org", "peer", "ann"):
        await service.add(name, Role.INTERNAL_USER)
    for name in ("org", "peer"):
        member = {"user_id": name, "role": "org_admin"}
        await service.made("/organization/member_add", organization_id="acme", member=member)
    ann = {"organization_id": "acme", "user_id": "ann"}
    added = await service.post(
        "org", "/organization/member_add", organization_id="acme", member={"user_id": "ann"}
    )
    assert added.status_code == 200
    for path, body in (
        ("/organization/member_update", {**ann, "role": "org_admin"}),
        (
            "/organization/member_update",
            {"organization_id": "acme", "user_id": "peer", "role": "internal_user"},
        ),
        ("/organization/member_delete", {"organization_id": "acme", "user_id": "peer"}),
        (
            "/organization/member_add",
            {"organization_id": "acme", "member": {"user_id": "x", "role": "org_admin"}},
        ),
    ):
        assert refusal(await service.post("org", path, **body)) == DENIED, path
    assert (await service.post("org", "/organization/member_delete", **ann)).status_code == 200
    elsewhere = await service.post(
        "org", "/organization/member_add", organization_id="other", member={"user_id": "ann"}
    )
    assert elsewhere.status_code == 403
    shown = await service.get("org", "/organization/info", organization_id="acme")
    assert shown.status_code == 200
    listed = (await service.get("org", "/organization/list")).json()
    assert [one["organization_id"] for one in listed["organizations"]] == ["acme"]
    assert (await service.get("ann", "/organization/list")).json()["total"] == 0
