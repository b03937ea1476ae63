from collections.abc import Callable
from dataclasses import replace

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.rules import ALGORITHMS, IssuerRules
from support.verification import GOOD_RULES

RS256 = frozenset({"RS256"})
NONE: frozenset[str] = frozenset()


def problems_of(make: Callable[[], IssuerRules]) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        make()
    assert refused.value.code == "configuration_error"
    return refused.value.problems


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_may_stand_alone(algorithm: str) -> None:
    rules = replace(GOOD_RULES, algorithms=frozenset({algorithm}))
    assert rules.algorithms == {algorithm}


@pytest.mark.parametrize(
    "algorithms",
    [
        pytest.param({"HS256"}, id="symmetric"),
        pytest.param({"HS512", "RS256"}, id="symmetric-beside-rsa"),
        pytest.param({"none"}, id="none"),
        pytest.param({"RS256", "None"}, id="none-beside-rsa"),
        pytest.param({"rs256"}, id="lower-case"),
        pytest.param({"*"}, id="star"),
        pytest.param({""}, id="empty-name"),
        pytest.param({"ES256K"}, id="another-curve"),
        pytest.param(set(), id="empty-list"),
    ],
)
def test_sec_01_an_algorithm_list_that_can_only_be_wrong_is_refused(algorithms: set[str]) -> None:
    problems = problems_of(lambda: replace(GOOD_RULES, algorithms=frozenset(algorithms)))
    assert [problem.split(":")[0] for problem in problems] == ["algorithms"]


def test_sec_12_an_audience_is_named_or_waived_and_not_both() -> None:
    for audiences, waived in ((NONE, False), (frozenset({"a"}), True)):
        problems = problems_of(
            lambda a=audiences, w=waived: replace(  # type: ignore[misc]
                GOOD_RULES, audiences=a, unsafe_any_audience=w
            )
        )
        assert problems[0].startswith("audience: ")
    assert replace(GOOD_RULES, audiences=NONE, unsafe_any_audience=True).unsafe_any_audience
    problems = problems_of(lambda: replace(GOOD_RULES, audiences=frozenset({"a", ""})))
    assert problems[0].startswith("audience: ")


@pytest.mark.parametrize("leeway", [-1, 61, 3600])
def test_sec_11_leeway_is_a_minute_at_most(leeway: int) -> None:
    problems = problems_of(lambda: replace(GOOD_RULES, leeway_seconds=leeway))
    assert problems[0].startswith("leeway: ")


@pytest.mark.parametrize("leeway", [0, 60])
def test_sec_11_leeway_within_its_bounds_is_taken(leeway: int) -> None:
    assert replace(GOOD_RULES, leeway_seconds=leeway).leeway_seconds == leeway


def test_sec_11_a_lifetime_is_positive() -> None:
    for lifetime in (0, -1):
        problems = problems_of(
            lambda s=lifetime: replace(GOOD_RULES, max_lifetime_seconds=s)  # type: ignore[misc]
        )
        assert problems[0].startswith("max_lifetime: ")
    assert replace(GOOD_RULES, max_lifetime_seconds=1).max_lifetime_seconds == 1


def test_sec_15_some_type_is_accepted() -> None:
    problems = problems_of(lambda: replace(GOOD_RULES, token_types=NONE, absent_type_allowed=False))
    assert problems[0].startswith("token_types: ")
    assert replace(GOOD_RULES, token_types=NONE).absent_type_allowed


def test_a_required_claim_has_some_value() -> None:
    problems = problems_of(lambda: replace(GOOD_RULES, required_claims={"hd": NONE}))
    assert problems[0].startswith("require_claims: ")
    values = {"hd": frozenset({"acme.example"})}
    assert replace(GOOD_RULES, required_claims=values).required_claims == values


def test_every_problem_is_named_at_once() -> None:
    problems = problems_of(
        lambda: IssuerRules("", NONE, NONE, leeway_seconds=-1, max_lifetime_seconds=0)
    )
    assert [problem.split(":")[0] for problem in problems] == [
        "issuer",
        "audience",
        "algorithms",
        "leeway",
        "max_lifetime",
    ]
