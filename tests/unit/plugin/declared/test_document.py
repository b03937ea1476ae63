"""Files of rows are read strictly: every problem at its line, and nothing guessed."""

from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.declared.budget_values import budget_texts
from gatepass.plugin.declared.document import MAX_FILE_BYTES
from gatepass.plugin.declared.rows import Kind, RowId
from gatepass.plugin.directory.changes.money import NamedBudget
from gatepass.plugin.settings.budget_text import parse_budget
from gatepass.rbac.roles import Role
from support.declared import declared


def budget(text: str) -> BudgetTemplate:
    return parse_budget(text).normal()


TEXT = """\
budgets:
  gold: $100 per 30d
  silver: {limit: $50}
organizations:
  acme: {models: all, members: {ann: org_admin}}
teams:
  red:
    organization: acme
    models: [gpt-4o*]
    budget_id: gold
    member_budget: null
    members:
      ann: admin
      bob: {models: [], budget: $5}
users:
  ann: {email: Ann@Example.com, role: internal_user, invited: yes}
  bob:
customers:
"""


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        declared(folder, text)
    return [problem.removeprefix(f"{folder}/directory.yaml:") for problem in caught.value.problems]


def test_a_file_says_rows_and_of_which_it_names_all(tmp_path: Path) -> None:
    found = declared(tmp_path, TEXT)
    assert found.rows == {
        RowId(Kind.BUDGET, ("gold",)): {"limit": budget("$100 per 30d")},
        RowId(Kind.BUDGET, ("silver",)): {"limit": budget("$50")},
        RowId(Kind.ORGANIZATION, ("acme",)): {"models": "all"},
        RowId(Kind.ORGANIZATION_MEMBER, ("ann", "acme")): {"role": Role.ORG_ADMIN},
        RowId(Kind.TEAM, ("red",)): {
            "organization_id": "acme",
            "models": ("gpt-4o*",),
            "budget": NamedBudget("gold"),
            "member_budget": None,
        },
        RowId(Kind.MEMBER, ("ann", "red")): {"role": "admin"},
        RowId(Kind.MEMBER, ("bob", "red")): {
            "models": (),
            "budget": budget("$5"),
        },
        RowId(Kind.USER, ("ann",)): {
            "email": "ann@example.com",
            "role": Role.INTERNAL_USER,
            "invited": True,
        },
        RowId(Kind.USER, ("bob",)): {},
    }
    kinds = {Kind.BUDGET, Kind.ORGANIZATION, Kind.TEAM, Kind.USER, Kind.CUSTOMER}
    assert found.complete == kinds
    assert {row.name for row in found.groups} == {"acme", "red"}


def test_a_budget_and_what_it_says_of_models_are_one(tmp_path: Path) -> None:
    text = """\
budgets: {gold: {limit: $9 per month, model_limits: {o3: 5 requests per day}}}
teams:
  red: {budget: $50 and soft $40 per 30d, model_budgets: {"gpt-4o*": $5, o3: $1 per 30d}}
  blue: {model_budgets: {o3: $1 per day}}
  green: {budget: null, model_budgets: {o3: $1 per day}}
"""
    found = declared(tmp_path, text).rows
    red = found[RowId(Kind.TEAM, ("red",))]["budget"]
    assert isinstance(red, BudgetTemplate)
    assert budget_texts(red) == (
        "$50 and soft $40 per 30d",
        {"gpt-4o*": "$5", "o3": "$1 per 30d"},
    )
    blue = found[RowId(Kind.TEAM, ("blue",))]
    assert blue == found[RowId(Kind.TEAM, ("green",))]
    gold = found[RowId(Kind.BUDGET, ("gold",))]["limit"]
    assert isinstance(gold, BudgetTemplate)
    assert budget_texts(gold) == ("$9 per month", {"o3": "5 requests per day"})


def test_without_a_list_of_members_a_team_says_nothing_of_them(tmp_path: Path) -> None:
    found = declared(tmp_path, "teams: {red: {}, blue: {members: {}}}")
    assert {row.name for row in found.groups} == {"blue"}
    assert not found.is_complete_for(RowId(Kind.MEMBER, ("ann", "red")))
    assert found.is_complete_for(RowId(Kind.MEMBER, ("ann", "blue")))
    assert not found.is_complete_for(RowId(Kind.ORGANIZATION_MEMBER, ("ann", "blue")))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("team: {}", '1:1: team: unknown section; did you mean "teams"?'),
        ("x: {}", "1:1: x: unknown section; possible: budgets, organizations, teams, "),
        ("teams: [red]", "1:1: teams: must be a mapping"),
        ("teams: {red: [1]}", "1:9: teams.red: must be a mapping"),
        ("teams: {red: {alais: x}}", '1:15: teams.red.alais: unknown field; did you mean "alias"?'),
        ("teams: {red: {x: 1}}", "unknown field; possible: alias, organization"),
        ("teams: {red: {models: gpt-4o}}", "must be a list of model patterns"),
        ("teams: {red: {models: ['']}}", "must not be empty"),
        ("teams: {red: {models: [no-default-models, x]}}", "stands alone"),
        ("teams: {red: {budget: ten}}", "not an amount of money"),
        ("teams: {red: {budget: NaN}}", "not an amount of money"),
        ("teams: {red: {budget: -1}}", "not an amount of money"),
        ("teams: {red: {budget: $1, budget_id: x}}", "says the same as another field"),
        ("teams: {red: {model_budgets: {}}}", "must be a mapping of model patterns"),
        ("teams: {red: {model_budgets: {o3: ten}}}", "not an amount of money"),
        ("teams: {red: {model_budgets: {'': $1}}}", "must not be empty"),
        (
            f"teams: {{red: {{model_budgets: {{{', '.join(f'm{n}: $1' for n in range(101))}}}}}}}",
            "names more than 100 patterns",
        ),
        ("teams: {red: {budget_id: x, model_budgets: {o3: $1}}}", "a named budget says this"),
        ("teams: {red: {model_aliases: [x]}}", "must be a mapping of names to models"),
        ("teams: {red: {members: {ann: boss}}}", "teams.red.members.ann.role: must be one of"),
        ("teams: {red: {members: [ann]}}", "teams.red.members: must be a mapping"),
        ("teams: {red: {blocked: }}", "has no value"),
        ("teams: {red: {alias: '${NO_SUCH}'}}", "NO_SUCH is not set"),
        ("users: {ann: {email: 'a b@c.d'}}", "not plainly an e-mail address"),
        ("users: {ann: {role: admin}}", "not a role"),
        ("users: {ann: {issuer: x}}", "unknown field"),
        ("users: {ann: {}, ann: {}}", "given twice"),
        ("users: {' ann': {}}", "blanks at an end"),
        (f"users: {{{'a' * 256}: {{}}}}", "longer than 255"),
        ("budgets: {gold: }", "1:11: budgets.gold: needs a limit"),
        ("budgets: {gold: {}}", "budgets.gold: needs a limit"),
        ("budgets: {gold: {limit: }}", "has no value"),
    ],
)
def test_what_cannot_be_is_said_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, text)
    assert problem in found


def test_all_problems_are_said_at_once_and_no_value(tmp_path: Path) -> None:
    text = "users: {ann: {email: secret-1, role: secret-2}}\nteams: {red: {budget: secret-3}}\n"
    found = problems(tmp_path, text)
    assert len(found) == 3
    assert "secret" not in "\n".join(found)


def test_a_file_has_a_bound(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, "#" * (MAX_FILE_BYTES + 1))
    assert "larger than 16 MiB" in found
