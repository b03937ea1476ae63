"""Which lists of models bind whom: the table of docs/permissions.md, row by row."""

import pytest
from msgspec.structs import replace

from gatepass.rbac.binding import binding_rules
from gatepass.rbac.catalog import PLAIN_CATALOG, ModelCatalog
from gatepass.rbac.models import ALL_MODELS, NO_MODELS, compile_models
from gatepass.rbac.principals import EndUser, Member, Organization, Principals, Team, User

ONE = {name: compile_models([name]) for name in ("user", "team", "member", "end_user", "org")}
EVERY = Principals(
    user=User("u", ONE["user"]),
    team=Team("t", ONE["team"]),
    organization=Organization("o", ONE["org"]),
    end_user=EndUser("e", ONE["end_user"]),
    member=Member(ONE["member"]),
)


def binding(principals: Principals, catalog: ModelCatalog = PLAIN_CATALOG) -> list[tuple[str, ...]]:
    return [rule.listed for rule in binding_rules(principals, catalog)]


@pytest.mark.parametrize(
    ("principals", "bind"),
    [
        (Principals(), []),
        (EVERY, ["team", "member", "end_user", "org"]),
        (replace(EVERY, member=None), ["team", "end_user", "org"]),
        (replace(EVERY, team=None, member=None), ["user", "end_user", "org"]),
        (replace(EVERY, team=None), ["user", "end_user", "org"]),
        (replace(EVERY, user=None), ["team", "member", "end_user", "org"]),
        (replace(EVERY, organization=None, end_user=None), ["team", "member"]),
        (replace(EVERY, team=Team("t", ALL_MODELS)), ["member", "end_user", "org"]),
        (Principals(user=EVERY.user), ["user"]),
        (Principals(end_user=EVERY.end_user), ["end_user"]),
        (Principals(organization=EVERY.organization), ["org"]),
    ],
)
def test_who_pays_decides_and_the_rest_binds_always(
    principals: Principals, bind: list[str]
) -> None:
    assert binding(principals) == [(name,) for name in bind]


def test_lists_that_cannot_refuse_anything_are_left_out() -> None:
    assert not binding(Principals(User("u", compile_models(["all-proxy-models"]))))


@pytest.mark.parametrize("listed", [["all-team-models"], ["all-team-models", "x"]])
def test_all_team_models_leaves_a_member_to_the_list_of_the_team(listed: list[str]) -> None:
    member = Member(compile_models(listed))
    rows = Principals(EVERY.user, EVERY.team, member=member)
    assert binding(rows) == [("team",)]


def test_sec_57_all_team_models_without_a_team_is_no_model() -> None:
    (rule,) = binding_rules(
        Principals(User("u", compile_models(["all-team-models"]))), PLAIN_CATALOG
    )
    assert not any(map(rule.allows, ("all-team-models", "gpt-4o", "")))


@pytest.mark.parametrize("kind", ["team", "organization", "end_user"])
def test_sec_57_all_team_models_elsewhere_is_no_model(kind: str) -> None:
    models = compile_models(["all-team-models"])
    rows = {
        "team": Principals(team=Team("t", models)),
        "organization": Principals(organization=Organization("o", models)),
        "end_user": Principals(end_user=EndUser("e", models)),
    }[kind]
    (rule,) = binding_rules(rows, PLAIN_CATALOG)
    assert not rule.allows("gpt-4o")


def test_groups_and_aliases_count_in_the_lists_of_every_row() -> None:
    catalog = ModelCatalog({"beta": ("a", "b*")}, {"fast": "c"})
    models = compile_models(["beta", "fast"])
    everyone = Principals(
        User("u", models),
        Team("t", models),
        Organization("o", models),
        EndUser("e", models),
        Member(models),
    )
    assert binding(everyone, catalog) == [("a", "b*", "c")] * 4
    assert binding(replace(everyone, team=None), catalog) == [("a", "b*", "c")] * 3


def test_the_targets_of_a_teams_own_aliases_count_as_listed_in_its_list_alone() -> None:
    catalog = ModelCatalog(aliases={"fast": "c"})
    team = Team("t", NO_MODELS, model_aliases={"ours": "d", "quick": "fast"})
    rows = replace(EVERY, team=team)
    assert binding(rows, catalog) == [("c", "d"), ("member",), ("end_user",), ("org",)]
