"""What the settings of budgets mean to the engine, to prices and to limits."""

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.applicable import UserLimit
from gatepass.plugin.budgets.arithmetic import Admission
from gatepass.plugin.budgets.engine import EngineRules, Unsettled
from gatepass.plugin.budgets.estimates import UnknownModels
from gatepass.plugin.settings import Compiled, compile_settings, make_settings
from gatepass.rbac.budgets import MAX_MODELS_PER_BUDGET, Limit, Unit
from gatepass.rbac.windows import FOREVER, Calendar, Period, Rolling
from support.settings import LEAST

TOKEN = "t" * 40
MANY = [{"model": f"m-{number}", "budget": "$1"} for number in range(MAX_MODELS_PER_BUDGET + 1)]


def compiled(**sections: object) -> Compiled:
    return compile_settings(make_settings({**LEAST, **sections}))


def test_sec_39_what_is_not_said_is_strict() -> None:
    silent = compiled()
    assert silent.engine_rules == EngineRules(Admission.STRICT, Unsettled.CHARGE, 600)
    assert not silent.engine_rules.records_all
    assert silent.limits.proxy is None
    assert silent.limits.user_limit is UserLimit.ALL
    assert silent.prices.unknown is UnknownModels.REFUSE
    assert silent.prices.free_models == frozenset()


@pytest.mark.parametrize(
    "doors", [{"http": {"usage_token": TOKEN}}, {"kong": {"socket": "/run/gatepass/kong.sock"}}]
)
def test_where_usage_is_reported_what_is_not_is_released(doors: dict[str, object]) -> None:
    rules = compiled(doors=doors).engine_rules
    assert rules.unsettled is Unsettled.RELEASE
    assert rules.records_all
    assert not compiled(doors=doors, budgets={"engine": "none"}).engine_rules.records_all
    told = compiled(doors=doors, budgets={"unsettled": "charge"}).engine_rules
    assert told.unsettled is Unsettled.CHARGE


def test_everything_that_can_be_said() -> None:
    found = compiled(
        budgets={
            "admission": "fit",
            "unsettled": "release",
            "reservation_timeout": "5m",
            "user_limit_when_team_pays": "without_team",
            "unknown_models": "dearest",
            "free_models": ["ours", "theirs"],
            "max_output_tokens": 7,
        }
    )
    assert found.engine_rules == EngineRules(Admission.FIT, Unsettled.RELEASE, 300)
    assert found.limits.user_limit is UserLimit.WITHOUT_TEAM
    assert found.prices.unknown is UnknownModels.DEAREST
    assert found.prices.free_models == {"ours", "theirs"}
    assert found.prices.free_output_tokens == 7


def test_the_whole_deployment_may_have_a_budget() -> None:
    of_models = [{"model": "gpt-*", "budget": "5 requests per day"}]
    both = compiled(budgets={"proxy": "$1 per 60s", "proxy_models": of_models}).limits.proxy
    assert both is not None
    assert (both.budget_id, both.window) == ("proxy", Rolling(60, 0))
    assert both.limits == (
        Limit(Unit.MONEY, 10**9),
        Limit(Unit.REQUESTS, 5, model="gpt-*", window=Calendar(Period.DAY)),
    )
    models_alone = compiled(budgets={"proxy_models": of_models}).limits.proxy
    assert models_alone is not None
    assert (len(models_alone.limits), models_alone.window) == (1, FOREVER)


def test_limits_for_models_know_the_providers_of_the_settings() -> None:
    assert compiled().limits.spellings.names_of("Acme/own-1") == ["acme/own-1"]
    ours = compiled(providers={"acme": ["own-*"]}).limits.spellings
    assert ours.names_of("Acme/own-1") == ["acme/own-1", "own-1"]
    assert ours.names_of("openai/o3") == ["openai/o3", "o3"]


def test_rows_made_on_the_fly_may_have_budgets_for_models_and_members() -> None:
    defaults = {
        "budget": "$5",
        "model_budgets": [{"model": "o3", "budget": "$1 per 1d"}],
        "member_budget": "$2 per week",
    }
    directory = compiled(teams={"upsert": True, "defaults": defaults}).directory
    assert directory.team_defaults.budget is not None
    assert [limit.model for limit in directory.team_defaults.budget.limits] == [None, "o3"]
    assert directory.team_member_budget is not None
    assert directory.team_member_budget.window == Calendar(Period.WEEK)


@pytest.mark.parametrize(
    ("sections", "problem"),
    [
        (
            {"budgets": {"proxy_models": [{"model": "a", "budget": "$1"}] * 2}},
            "budgets.proxy_models[1].model: the same pattern stands in an entry above",
        ),
        (
            {"users": {"defaults": {"model_budgets": [{"model": "a", "budget": "$1"}] * 2}}},
            "users.defaults.model_budgets[1].model: the same pattern stands in an entry above",
        ),
        ({"budgets": {"proxy_models": MANY}}, "budgets.proxy_models: name at most 100"),
        (
            {"users": {"defaults": {"model_budgets": MANY}}},
            "users.defaults.model_budgets: name at most 100",
        ),
        (
            {"budgets": {"admission": "maybe"}},
            "budgets.admission: must be one of strict, fit, after",
        ),
        (
            {"budgets": {"unsettled": "forget"}},
            "budgets.unsettled: must be one of charge, release",
        ),
        (
            {"budgets": {"proxy": "$1 per month in Nowhere"}},
            "budgets.proxy: not a time zone; write it like Europe/Berlin",
        ),
    ],
)
def test_what_cannot_be_is_named(sections: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make_settings({**LEAST, **sections})
    assert list(raised.value.problems) == [f"settings: {problem}"]
