"""LiteLLM's rows become ours: what is the same, what changes, what is told, what is refused."""

from pathlib import Path

import pytest

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.declared.budget_values import budget_texts
from gatepass.plugin.declared.rows import Kind
from gatepass.plugin.directory.changes.money import NamedBudget
from gatepass.plugin.importers.litellm_row_money import Spending
from gatepass.plugin.importers.verdicts import Verdict
from gatepass.plugin.settings.budget_text import parse_budget
from gatepass.rbac.roles import Role
from support.litellm_rows import (
    HOME,
    fields_of,
    imported,
    members,
    row,
    team,
    user,
    verdict_on,
)


def budget(text: str) -> BudgetTemplate:
    return parse_budget(text).normal()


def test_a_user_keeps_ids_address_role_models_and_limit(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        LiteLLM_UserTable=[
            user(
                "ann",
                sso_user_id="00u1",
                user_email="Ann@Example.com",
                user_role="internal_user",
                models=["gpt-4o", "claude-*"],
                max_budget=12.5,
                budget_duration="30d",
                spend=0.1,
                budget_reset_at="2026-02-01T00:00:00",
            )
        ],
    )
    assert fields_of(found, Kind.USER, "ann") == {
        "email": "ann@example.com",
        "home_issuer": HOME,
        "sso_user_id": "00u1",
        "role": Role.INTERNAL_USER,
        "blocked": False,
        "models": ("gpt-4o", "claude-*"),
        "budget": budget("$12.5 per 30d"),
    }
    assert verdict_on(found, "user", "ann").verdict is Verdict.EXACT
    spent = Spending(row(Kind.USER, "ann"), 100_000_000, 1_769_904_000)
    assert found.spending == (spent,)


@pytest.mark.parametrize(
    ("columns", "whole", "of_models"),
    [
        ({"max_budget": 5, "budget_duration": "1mo"}, "$5 per month", {}),
        ({"max_budget": 5, "budget_duration": "3mo"}, "$5 per quarter", {}),
        ({"max_budget": 5, "soft_budget": 4}, "$5 and soft $4", {}),
        ({"soft_budget": 4, "budget_duration": "12mo"}, "soft $4 per year", {}),
        (
            {"max_budget": 5, "tpm_limit": 1000, "rpm_limit": 1},
            "$5",
            {"*": "1000 tokens and 1 request per 1m"},
        ),
        (
            {
                "model_max_budget": {
                    "gpt-4o": {"budget_limit": 0.5, "time_period": "1d"},
                    "o3*": {"max_budget": 2, "budget_duration": "1w"},
                    "o1": 7,
                }
            },
            None,
            {"gpt-4o": "$0.5 per 1d", "o3*": "$2 per 7d", "o1": "$7"},
        ),
    ],
)
def test_every_limit_becomes_one_of_the_budget(
    tmp_path: Path, columns: dict[str, object], whole: str | None, of_models: dict[str, str]
) -> None:
    found = imported(tmp_path, users=[user("ann", **columns)])
    limits = fields_of(found, Kind.USER, "ann")["budget"]
    assert isinstance(limits, BudgetTemplate)
    assert budget_texts(limits) == (whole, of_models)


def test_an_empty_list_of_models_is_every_model(tmp_path: Path) -> None:
    found = imported(tmp_path, users=[user("ann"), user("bob", models=["no-default-models"])])
    assert fields_of(found, Kind.USER, "ann")["models"] == "all"
    assert fields_of(found, Kind.USER, "bob")["models"] == ("no-default-models",)


def test_two_rows_with_one_address_are_told_and_not_merged(tmp_path: Path) -> None:
    found = imported(
        tmp_path, users=[user("a", user_email="ann@x.io"), user("b", user_email="ANN@X.IO")]
    )
    for name in ("a", "b"):
        assert fields_of(found, Kind.USER, name)["email"] == "ann@x.io"
        told = verdict_on(found, "user", name)
        assert told.verdict is Verdict.MANUAL
        assert "2 rows have this address" in told.sentences[0]
        assert "ann@x.io" not in told.sentences[0]


def test_an_address_of_a_row_that_is_stored_is_told(tmp_path: Path) -> None:
    stored = {row(Kind.USER, "old"): {"email": "ann@x.io", "home_issuer": HOME, "sso_user_id": "1"}}
    rows = [user("a", user_email="ann@x.io"), user("b", sso_user_id="1")]
    found = imported(tmp_path, stored, users=rows)
    assert verdict_on(found, "user", "a").verdict is Verdict.MANUAL
    assert verdict_on(found, "user", "b").verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("columns", "verdict", "sentence"),
    [
        ({"user_role": "proxy_admin"}, Verdict.CHANGED, "linked by its ids alone"),
        ({"user_role": "customer"}, Verdict.MANUAL, "user_role"),
        ({"user_email": "not an address"}, Verdict.MANUAL, "user_email"),
        ({"max_parallel_requests": 0}, Verdict.MANUAL, "max_parallel_requests: calls at the"),
        ({"rpm_limit": 10}, Verdict.CHANGED, "rpm_limit: requests per minute"),
        ({"tpm_limit": 1.5}, Verdict.REFUSED, "tpm_limit: must be a whole number"),
        ({"max_budget": 1, "soft_budget": 2}, Verdict.CHANGED, "soft_budget: is above"),
        ({"model_max_budget": {"": 1}}, Verdict.REFUSED, "model_max_budget"),
        ({"model_max_budget": {"a": {}}}, Verdict.MANUAL, "without a limit"),
        ({"model_max_budget": {"a": {"budget_limit": -1}}}, Verdict.REFUSED, "budget_limit"),
        ({"surprise": 7}, Verdict.MANUAL, "surprise: unknown"),
        ({"metadata": {"team": "x"}}, Verdict.CHANGED, "metadata: stays there"),
        ({"metadata": {"model_rpm_limit": {"a": 1}}}, Verdict.MANUAL, "model_rpm_limit"),
        ({"metadata": {"scim_active": False}}, Verdict.CHANGED, "SCIM"),
        ({"budget_duration": "2mo", "max_budget": 1}, Verdict.CHANGED, "30 days"),
        ({"max_budget": 0}, Verdict.CHANGED, "0 lets nothing through"),
        ({"max_budget": 1e12}, Verdict.CHANGED, "a billion"),
        ({"max_budget": 1e-10}, Verdict.CHANGED, "cut"),
        ({"max_budget": -1}, Verdict.REFUSED, "max_budget"),
        ({"max_budget": float("nan")}, Verdict.REFUSED, "max_budget"),
        ({"max_budget": float("inf")}, Verdict.REFUSED, "max_budget"),
        ({"max_budget": True}, Verdict.REFUSED, "max_budget"),
        ({"max_budget": "1"}, Verdict.REFUSED, "max_budget"),
        ({"max_budget": 1, "budget_duration": "soon"}, Verdict.REFUSED, "budget_duration"),
        ({"models": ["no-default-models", "x"]}, Verdict.REFUSED, "models"),
        ({"models": "gpt-4o"}, Verdict.REFUSED, "models: must be JSON"),
        ({"models": [1]}, Verdict.REFUSED, "models: must be a list"),
        ({"metadata": "[]"}, Verdict.EXACT, ""),
        ({"metadata": [1]}, Verdict.REFUSED, "metadata: must be an object"),
        ({"budget_reset_at": "never"}, Verdict.REFUSED, "budget_reset_at"),
        ({"user_email": "a\x1b[2J"}, Verdict.REFUSED, "user_email: must be printable"),
    ],
)
def test_what_becomes_of_a_users_row(
    tmp_path: Path, columns: dict[str, object], verdict: Verdict, sentence: str
) -> None:
    found = imported(tmp_path, users=[user("ann", **columns)])
    told = verdict_on(found, "user", "ann")
    assert told.verdict is verdict, told
    assert sentence in "; ".join(told.sentences)
    assert (row(Kind.USER, "ann") in found.rows) is (verdict is not Verdict.REFUSED)


def test_whom_scim_has_taken_out_of_service_is_blocked(tmp_path: Path) -> None:
    found = imported(tmp_path, users=[user("ann", metadata={"scim_active": False})])
    assert fields_of(found, Kind.USER, "ann")["blocked"] is True


def test_the_master_keys_row_is_left_out_wherever_it_stands(tmp_path: Path) -> None:
    admin = user("default_user_id", user_role="proxy_admin", teams=["red"])
    red = team("red", members_with_roles=members(default_user_id="admin"))
    found = imported(tmp_path, users=[admin], teams=[red])
    assert found.rows.keys() == {row(Kind.TEAM, "red")}
    assert {one.verdict for one in found.verdicts} == {Verdict.EXACT, Verdict.CHANGED}


def test_without_a_home_issuer_the_ids_are_nobodys(tmp_path: Path) -> None:
    found = imported(tmp_path, home=None, users=[user("ann")])
    assert fields_of(found, Kind.USER, "ann")["home_issuer"] is None


def test_a_team_keeps_everything_that_binds_it(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        LiteLLM_TeamTable=[
            team(
                "red",
                team_alias="Red",
                organization_id="acme",
                blocked=True,
                max_budget=50,
                budget_duration="1w",
                models=["gpt-4o"],
                model_id=7,
                metadata={"team_member_budget_id": "share"},
                members_with_roles=members(ann="admin", bob="user"),
            )
        ],
        LiteLLM_OrganizationTable=[
            {
                "organization_id": "acme",
                "organization_alias": "Acme",
                "budget_id": "gold",
                "models": ["gpt-*"],
                "metadata": {},
                "spend": 3,
            }
        ],
        LiteLLM_BudgetTable=[
            {"budget_id": "gold", "max_budget": 100.0, "budget_duration": "30d"},
            {"budget_id": "share", "max_budget": 5.0, "budget_duration": None},
            {"budget_id": "mini", "max_budget": None, "allowed_models": ["gpt-4o-mini"]},
        ],
        LiteLLM_ModelTable=[{"id": 7, "aliases": '{"fast": "gpt-4o-mini"}'}],
        LiteLLM_UserTable=[user("ann", teams=["red"]), user("bob", teams=["red"])],
        LiteLLM_TeamMembership=[
            {"user_id": "ann", "team_id": "red", "spend": 1, "budget_id": "gold"},
            {"user_id": "bob", "team_id": "red", "spend": 0, "budget_id": "mini"},
        ],
        LiteLLM_OrganizationMembership=[
            {"user_id": "ann", "organization_id": "acme", "user_role": "org_admin", "spend": 0}
        ],
        LiteLLM_EndUserTable=[{"user_id": "shop", "blocked": True, "budget_id": "gold"}],
    )
    assert fields_of(found, Kind.TEAM, "red") == {
        "alias": "Red",
        "organization_id": "acme",
        "blocked": True,
        "models": ("gpt-4o",),
        "budget": budget("$50 per 7d"),
        "member_budget": NamedBudget("share"),
        "model_aliases": {"fast": "gpt-4o-mini"},
        "may_modify_guardrails": True,
    }
    assert fields_of(found, Kind.ORGANIZATION, "acme")["budget"] == NamedBudget("gold")
    assert fields_of(found, Kind.MEMBER, "ann", "red") == {
        "role": "admin",
        "models": "all",
        "budget": NamedBudget("gold"),
    }
    bob = fields_of(found, Kind.MEMBER, "bob", "red")
    assert (bob["models"], bob["budget"]) == (("gpt-4o-mini",), None)
    of_acme = fields_of(found, Kind.ORGANIZATION_MEMBER, "ann", "acme")
    assert of_acme == {"role": Role.ORG_ADMIN}
    assert fields_of(found, Kind.CUSTOMER, "shop") == {
        "blocked": True,
        "models": "all",
        "budget": NamedBudget("gold"),
    }
    budgets = {one.key[0] for one in found.rows if one.kind is Kind.BUDGET}
    assert budgets == {"gold", "share"}
    assert [spent.row.name for spent in found.spending] == ["acme", "red/ann"]
    kinds = [one.kind for one in found.rows]
    assert kinds == sorted(kinds, key=list(Kind).index)


def test_list_endpoints_say_the_same(tmp_path: Path) -> None:
    gold = {"budget_id": "gold", "max_budget": 100.0, "budget_duration": "30d"}
    found = imported(
        tmp_path,
        user_list={"users": [{**user("ann"), "key_count": 2}], "total": 1, "page": 1},
        team_list=[
            {
                **team("red", members_with_roles=members(ann="admin")),
                "litellm_model_table": {"model_aliases": {"fast": "gpt-4o-mini"}},
                "team_memberships": [
                    {
                        "user_id": "ann",
                        "team_id": "red",
                        "budget_id": "gold",
                        "litellm_budget_table": gold,
                    }
                ],
                "keys": [],
            }
        ],
        organization_list=[
            {
                "organization_id": "acme",
                "organization_alias": "Acme",
                "budget_id": "gold",
                "models": [],
                "litellm_budget_table": gold,
                "members": [{"user_id": "ann", "organization_id": "acme", "user_role": None}],
                "teams": [],
            }
        ],
        customer_list=[
            {"user_id": "shop", "blocked": False, "litellm_budget_table": {"max_budget": 2}}
        ],
    )
    assert fields_of(found, Kind.TEAM, "red")["model_aliases"] == {"fast": "gpt-4o-mini"}
    assert fields_of(found, Kind.MEMBER, "ann", "red")["budget"] == NamedBudget("gold")
    assert fields_of(found, Kind.ORGANIZATION, "acme")["budget"] == NamedBudget("gold")
    assert fields_of(found, Kind.BUDGET, "gold") == {"limit": budget("$100 per 30d")}
    member = fields_of(found, Kind.ORGANIZATION_MEMBER, "ann", "acme")
    assert member == {"role": Role.INTERNAL_USER_VIEWER}
    assert fields_of(found, Kind.CUSTOMER, "shop")["budget"] == budget("$2")
    assert not [one for one in found.verdicts if one.verdict is Verdict.REFUSED]


def test_a_team_lets_its_members_change_guardrails_unless_it_says_no(tmp_path: Path) -> None:
    teams = [team("a"), team("b", metadata={"guardrails": {"modify_guardrails": False}})]
    found = imported(tmp_path, teams=teams)
    assert fields_of(found, Kind.TEAM, "a")["may_modify_guardrails"] is True
    assert fields_of(found, Kind.TEAM, "b")["may_modify_guardrails"] is False
    assert verdict_on(found, "team", "b").verdict is Verdict.EXACT


def test_nobody_comes_back_by_what_leaving_a_team_left_behind(tmp_path: Path) -> None:
    """Only the team's own list says who its members are."""
    found = imported(
        tmp_path,
        users=[user("ann", teams=["red"]), user("eve", teams=["red"])],
        teams=[team("red", members_with_roles=members(ann="user"))],
        LiteLLM_TeamMembership=[{"user_id": "bob", "team_id": "red", "budget_id": None}],
    )
    assert [one.name for one in found.rows if one.kind is Kind.MEMBER] == ["red/ann"]
    assert verdict_on(found, "member", "red/eve").verdict is Verdict.MANUAL
    assert verdict_on(found, "member", "red/bob").verdict is Verdict.MANUAL


def test_old_lists_of_members_count_where_there_is_no_new_one(tmp_path: Path) -> None:
    old = team("red", admins=["ann"], members=["ann", "bob"])
    found = imported(tmp_path, users=[user("ann"), user("bob")], teams=[old])
    assert fields_of(found, Kind.MEMBER, "ann", "red")["role"] == "admin"
    assert fields_of(found, Kind.MEMBER, "bob", "red")["role"] == "user"


def test_a_member_without_an_id_is_told(tmp_path: Path) -> None:
    listed = [{"user_id": None, "user_email": "x@y.io", "role": "user"}]
    found = imported(tmp_path, teams=[team("red", members_with_roles=listed)])
    assert verdict_on(found, "members of team", "red").verdict is Verdict.MANUAL


def test_a_member_that_is_stored_already_counts_as_known(tmp_path: Path) -> None:
    red = team("red", members_with_roles=members(ann="user", eve="user"))
    stored = {row(Kind.USER, "ann"): {"email": None, "home_issuer": None, "sso_user_id": None}}
    found = imported(tmp_path, stored, teams=[red])
    assert row(Kind.MEMBER, "ann", "red") in found.rows
    assert verdict_on(found, "member", "red/eve").verdict is Verdict.REFUSED


def test_what_a_lost_limit_would_leave_open_is_refused(tmp_path: Path) -> None:
    """A row whose budget or organization is not in the export would come without its limit."""
    found = imported(
        tmp_path,
        teams=[
            team("red", organization_id="gone"),
            team("blue", metadata={"team_member_budget_id": "gone"}),
        ],
        organizations=[{"organization_id": "acme", "organization_alias": "A", "budget_id": "gone"}],
        customers=[{"user_id": "shop", "blocked": False, "budget_id": "gone"}],
    )
    assert found.rows == {}
    assert {one.verdict for one in found.verdicts if one.kind != "file"} == {
        Verdict.EXACT,
        Verdict.REFUSED,
    }


def test_blanks_around_a_name_go_and_around_an_id_refuse(tmp_path: Path) -> None:
    """An id that a token cannot say would be nobody's."""
    found = imported(tmp_path, users=[user(" ann")], teams=[team("red", team_alias=" Red ")])
    assert fields_of(found, Kind.TEAM, "red")["alias"] == "Red"
    assert verdict_on(found, "team", "red").verdict is Verdict.CHANGED
    assert verdict_on(found, "user", " ann").verdict is Verdict.REFUSED


def test_what_is_refused_takes_along_what_hangs_on_it(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        users=[user("ann", max_budget=-1), user("bob")],
        teams=[team("red", members_with_roles=members(ann="user", bob="user"))],
    )
    assert {one.name for one in found.rows} == {"bob", "red", "red/bob"}
    assert verdict_on(found, "member", "red/ann").verdict is Verdict.REFUSED


def test_one_id_with_two_meanings_is_refused(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        users=[user("ann"), user("ann", max_budget=1), user("c", sso_user_id="ann")],
        teams=[team("red"), team("red", blocked=True)],
    )
    assert found.rows.keys() == {row(Kind.USER, "c")}
    refused = [one.key for one in found.verdicts if one.verdict is Verdict.REFUSED]
    assert sorted(refused) == ["ann", "ann", "red"]
    assert verdict_on(found, "user", "c").verdict is Verdict.MANUAL


def test_pages_that_overlap_are_one_list(tmp_path: Path) -> None:
    def page(*names: str) -> dict[str, object]:
        return {"users": [user(name) for name in names], "total": 3, "page_size": 2}

    found = imported(tmp_path, users_1=page("a", "b"), users_2=page("b", "c"))
    assert {one.name for one in found.rows} == {"a", "b", "c"}
    assert {one.verdict for one in found.verdicts} == {Verdict.EXACT}


def test_a_page_alone_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    found = imported(tmp_path, users={"users": [user("a")], "total": 3})
    (refused,) = [one for one in found.verdicts if one.verdict is Verdict.REFUSED]
    assert "3 rows and 1 are here" in refused.sentences[0]


@pytest.mark.parametrize(
    ("table", "rows", "kind", "key", "verdict", "sentence"),
    [
        ("users", [{"user_email": "a@x.io"}], "user", "?", Verdict.REFUSED, "user_id: is missing"),
        ("teams", [{"team_alias": "x"}], "team", "?", Verdict.REFUSED, "team_id: is missing"),
        (
            "organizations",
            [{"organization_alias": "x"}],
            "organization",
            "?",
            Verdict.REFUSED,
            "organization_id: is missing",
        ),
        (
            "customers",
            [{"blocked": False}],
            "customer",
            "?",
            Verdict.REFUSED,
            "user_id: is missing",
        ),
        ("budgets", [{"max_budget": 1}], "budget", "?", Verdict.REFUSED, "budget_id: is missing"),
        ("teams", [team("t", blocked="no")], "team", "t", Verdict.REFUSED, "blocked: must be true"),
        (
            "teams",
            [team("t", members_with_roles=[1])],
            "members of team",
            "t",
            Verdict.REFUSED,
            "members_with_roles: must be a list of objects",
        ),
        ("teams", [team("t", model_id=3)], "team", "t", Verdict.MANUAL, "not in the export"),
        (
            "teams",
            [team("t", litellm_model_table={"model_aliases": {"a": 1}})],
            "team",
            "t",
            Verdict.REFUSED,
            "model_aliases: must be an object of texts",
        ),
        (
            "teams",
            [team("t", access_group_ids=["g"], default_team_member_models=["m"])],
            "team",
            "t",
            Verdict.MANUAL,
            "access_group_ids: the models of access groups are not granted",
        ),
        (
            "teams",
            [team("t", metadata={"guardrails": ["pii"]})],
            "team",
            "t",
            Verdict.MANUAL,
            "metadata: what guardrails do there",
        ),
        (
            "customers",
            [{"user_id": "c", "blocked": False, "allowed_model_region": "eu"}],
            "customer",
            "c",
            Verdict.MANUAL,
            "regions are not judged here",
        ),
    ],
)
def test_what_becomes_of_other_rows(  # noqa: PLR0913, PLR0917 - a table
    tmp_path: Path, table: str, rows: object, kind: str, key: str, verdict: Verdict, sentence: str
) -> None:
    found = imported(tmp_path, **{table: rows})  # type: ignore[arg-type]
    told = verdict_on(found, kind, key)
    assert told.verdict is verdict
    assert sentence in "; ".join(told.sentences)


def test_what_becomes_of_members(tmp_path: Path) -> None:
    listed = [*members(ann="boss", bob="admin"), *members(bob="user"), *members(bob="admin")]
    red = team("red", members_with_roles=listed)
    shares = [
        {"user_id": "ann", "team_id": "red", "budget_id": "gone"},
        {"user_id": "bob", "team_id": "red", "budget_id": None, "surprise": 1},
        {"user_id": "ann", "team_id": "red", "budget_id": None},
    ]
    of_acme = {"user_id": "ann", "organization_id": "acme", "user_role": "internal_user"}
    found = imported(
        tmp_path,
        users=[user("ann"), user("bob")],
        teams=[red],
        LiteLLM_TeamMembership=shares,
        organizations=[{"organization_id": "acme", "organization_alias": "A"}],
        budgets=[{"budget_id": "gold", "max_budget": 1}],
        LiteLLM_OrganizationMembership=[
            {**of_acme, "budget_id": "gold"},
            {**of_acme, "user_id": "default_user_id"},
            {**of_acme, "user_id": "nobody"},
        ],
    )
    ann = verdict_on(found, "member", "red/ann")
    assert (ann.verdict, len(ann.sentences)) == (Verdict.REFUSED, 2)
    bob = verdict_on(found, "member", "red/bob")
    assert bob.sentences[0].startswith("stands in the list in two roles")
    assert fields_of(found, Kind.MEMBER, "bob", "red")["role"] == "user"
    assert row(Kind.MEMBER, "ann", "red") not in found.rows
    share = verdict_on(found, "organization member", "acme/ann")
    assert "a member's share" in share.sentences[0]
    assert verdict_on(found, "organization member", "acme/nobody").verdict is Verdict.REFUSED
    master = verdict_on(found, "organization member", "acme/default_user_id")
    assert master.verdict is Verdict.CHANGED


def test_a_member_that_was_refused_gets_no_share(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        teams=[team("red", members_with_roles=members(gone="user"))],
        LiteLLM_TeamMembership=[{"user_id": "gone", "team_id": "red", "budget_id": None}],
    )
    assert [one.verdict for one in found.verdicts if one.key == "red/gone"] == [Verdict.REFUSED]


def test_a_broken_budget_refuses_whoever_goes_by_it(tmp_path: Path) -> None:
    found = imported(
        tmp_path,
        budgets=[{"budget_id": "b", "max_budget": -1}],
        customers=[{"user_id": "c", "blocked": False, "budget_id": "b"}],
    )
    assert found.rows == {}
