"""Which limits apply, in which order, and to which models."""

from msgspec.structs import replace

from gatepass.plugin.budgets.applicable import (
    NO_LIMITS,
    Applicable,
    LimitRules,
    UserLimit,
    limits_of,
)
from gatepass.plugin.budgets.limits import Scope, member_subject
from gatepass.rbac.budgets import Budget, Limit, Unit
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import EndUser, Member, Organization, Principals, Team, User
from gatepass.rbac.spellings import PLAIN_SPELLINGS, Spellings


def budget(name: str, *limits: Limit) -> Budget:
    return Budget(name, limits or (Limit(Unit.MONEY, 5),))


EVERYBODY = Principals(
    user=User("ann", ALL_MODELS, budget=budget("u")),
    team=Team("red", ALL_MODELS, budget=budget("t")),
    organization=Organization("acme", ALL_MODELS, budget=budget("o")),
    end_user=EndUser("shop", ALL_MODELS, budget=budget("e")),
    member=Member(ALL_MODELS, budget=budget("m")),
)
PROXY = LimitRules(proxy=budget("proxy"))


def named(principals: Principals, rules: LimitRules) -> list[tuple[str, str, str]]:
    limits = limits_of(principals, rules).limits
    return [(limit.scope, limit.subject_id, limit.budget_id) for limit in limits]


def test_all_of_them_apply_in_the_order_of_naming() -> None:
    assert named(EVERYBODY, PROXY) == [
        ("team", "red", "t"),
        ("member", member_subject("red", "ann"), "m"),
        ("user", "ann", "u"),
        ("end_user", "shop", "e"),
        ("organization", "acme", "o"),
        ("proxy", "", "proxy"),
    ]
    assert [limit.scope for limit in limits_of(EVERYBODY, PROXY).limits] == list(Scope)


def test_who_has_no_membership_has_what_the_team_grants_each_member() -> None:
    stranger = Principals(user=EVERYBODY.user, team=EVERYBODY.team, share=budget("s"))
    assert ("member", member_subject("red", "ann"), "s") in named(stranger, LimitRules())
    member = replace(EVERYBODY, share=budget("s"))
    assert "s" not in {budget_id for _, _, budget_id in named(member, LimitRules())}
    machine = replace(stranger, user=None)
    assert [scope for scope, _, _ in named(machine, LimitRules())] == ["team"]


def test_a_persons_own_limit_may_hold_without_a_team_only() -> None:
    rules = LimitRules(user_limit=UserLimit.WITHOUT_TEAM)
    assert "user" not in {scope for scope, _, _ in named(EVERYBODY, rules)}
    assert "member" in {scope for scope, _, _ in named(EVERYBODY, rules)}
    alone = replace(EVERYBODY, team=None, member=None)
    assert [scope for scope, _, _ in named(alone, rules)] == ["user", "end_user", "organization"]


def test_who_is_not_stored_has_no_limit_but_the_deployments() -> None:
    assert named(Principals(), PROXY) == [("proxy", "", "proxy")]
    nobody = limits_of(Principals(), LimitRules())
    assert nobody is NO_LIMITS
    assert not nobody
    machine = Principals(team=EVERYBODY.team, member=EVERYBODY.member)
    assert [scope for scope, _, _ in named(machine, LimitRules())] == ["team"]


def test_a_limit_for_models_applies_to_them_and_to_what_was_not_seen() -> None:
    of_models = budget(
        "u",
        Limit(Unit.MONEY, 5),
        Limit(Unit.TOKENS, 6, model="gpt-*"),
        Limit(Unit.REQUESTS, 7, model="claude"),
    )
    found = limits_of(Principals(user=User("ann", ALL_MODELS, budget=of_models)), PROXY)

    def numbers(*models: str) -> list[int | None]:
        return [limit.hard for limit in found.to_models(models)]

    assert numbers("gpt-4o") == [5, 6, 5]
    assert numbers("claude") == [5, 7, 5]
    assert numbers("claude", "gpt-4o") == [5, 6, 7, 5]
    assert numbers("o3") == [5, 5]
    assert numbers() == [5, 6, 7, 5]


def test_without_limits_for_models_nothing_is_looked_through() -> None:
    found = limits_of(EVERYBODY, PROXY)
    assert found.to_models(("gpt-4o",)) is found.limits


def of_models(*patterns: str, spellings: Spellings = PLAIN_SPELLINGS) -> Applicable:
    limits = [Limit(Unit.MONEY, at, model=pattern) for at, pattern in enumerate(patterns)]
    user = User("ann", ALL_MODELS, budget=budget("u", *limits))
    return limits_of(Principals(user=user), LimitRules(spellings=spellings))


def test_sec_59_another_spelling_leads_around_no_limit() -> None:
    found = of_models("gpt-4o*", "openai/gpt-4o", "claude-*")
    every = found.to_models(("gpt-4o",))
    assert [limit.hard for limit in every] == [0, 1]
    for spelled in ("GPT-4o", "openai/gpt-4o", "OpenAI/GPT-4O", "openrouter/openai/gpt-4o"):
        assert found.to_models((spelled,)) == every
    assert [limit.hard for limit in found.to_models(("azure/gpt-4o",))] == [0]
    assert found.to_models(("nobody/gpt-4o",)) == ()
    ours = of_models("own-*", spellings=Spellings({"acme": ("own-*",)}))
    assert ours.to_models(("ACME/own-1",)) != ()


def test_what_applies_is_looked_up_once_and_not_remembered_without_end() -> None:
    found = of_models("gpt-4o", "claude-*")
    assert found.to_models(("gpt-4o",)) is found.to_models(("gpt-4o",))
    assert found.to_models(("o3",)) == ()
    for number in range(100):
        assert len(found.to_models((f"claude-{number}",))) == 1
    assert len(found._remembered) <= 16
    many = tuple(f"claude-{number}" for number in range(5))
    assert len(found.to_models(many)) == 1
    assert many not in found._remembered
