import time

import pytest

from gatepass.rbac.models import (
    ALL_MODELS,
    MAX_INNER_WILDCARDS,
    MAX_MODEL_CHARS,
    MAX_PATTERN_CHARS,
    NO_MODELS,
    compile_models,
)


@pytest.mark.parametrize(
    ("pattern", "model"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o*", "gpt-4o"),
        ("gpt-4o*", "gpt-4o-mini"),
        ("*", "anything"),
        ("**", "anything"),
        ("*-mini", "gpt-4o-mini"),
        ("bedrock/us.*", "bedrock/us.amazon.nova"),
        ("bedrock/*nova*", "bedrock/us.amazon.nova-pro"),
        ("a*a", "aa"),
        ("a*b*c", "a--b--c"),
        ("a*b*c", "abcbc"),
        ("a**b", "a-b"),
        ("*ab*", "aab"),
        ("a*", "a\nb"),
    ],
)
def test_sec_57_what_a_pattern_admits(pattern: str, model: str) -> None:
    assert compile_models([pattern]).allows(model)


@pytest.mark.parametrize(
    ("pattern", "model"),
    [
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4o", "GPT-4O"),
        ("gpt-4o", "gpt-4"),
        ("gpt-4o", ""),
        ("gpt-4o*", "xgpt-4o"),
        ("bedrock/us.*", "bedrock/usXamazon.nova"),
        ("gpt-4.1*", "gpt-4x1-mini"),
        ("c+*", "c"),
        ("c+*", "cc"),
        ("[a-z]*", "opus"),
        ("(a|b)", "a"),
        ("a?", "ab"),
        ("a?", "a"),
        ("^a$", "a"),
        ("\\w", "a"),
        ("openai/*t", "openai/gpt\n"),
        ("gpt-4o", "gpt-4o\n"),
        ("a*a", "a"),
        ("a*b", "xb"),
        ("a*b", "ax"),
        ("a**b", "ac"),
        ("a*b*b", "a-b"),
        ("a*b*c", "a--c--b"),
        ("ab*bc", "abc"),
        ("*ab*ab*", "abxa"),
        ("a*bc*c", "a-bc"),
    ],
)
def test_sec_57_only_the_star_is_special(pattern: str, model: str) -> None:
    assert not compile_models([pattern]).allows(model)


@pytest.mark.parametrize("inner", ["*a*b", "x*y", "ab*"])
def test_sec_57_patterns_of_all_kinds_stand_side_by_side(inner: str) -> None:
    rule = compile_models(["exact", inner, "prefix-*"])
    assert rule.allows("exact")
    assert rule.allows("prefix-1")
    assert rule.allows(inner.replace("*", "-"))
    assert not rule.allows("another")


def test_sec_57_an_empty_list_is_nothing_and_all_is_a_word_of_its_own() -> None:
    for rule in (compile_models([]), NO_MODELS):
        assert not rule.everything
        assert not any(rule.allows(model) for model in ("", "*", "all", "gpt-4o"))
    assert ALL_MODELS.everything
    assert ALL_MODELS.allows("gpt-4o")
    assert not compile_models(["*"]).everything


def test_sec_57_length_is_capped_on_both_sides() -> None:
    longest = "m" * MAX_MODEL_CHARS
    for rule in (ALL_MODELS, compile_models(["*"]), compile_models(["*m"])):
        assert rule.allows(longest)
        assert not rule.allows(longest + "m")
    assert compile_models(["p" * MAX_PATTERN_CHARS]).allows("p" * MAX_PATTERN_CHARS)
    for pattern in ("", "p" * (MAX_PATTERN_CHARS + 1)):
        with pytest.raises(ValueError, match="characters"):
            compile_models([pattern])


def test_sec_57_the_number_of_costly_patterns_is_capped() -> None:
    costly = [f"*{number}" for number in range(MAX_INNER_WILDCARDS)]
    cheap = [f"{number}*" for number in range(1000)]
    assert compile_models([*costly, *cheap]).allows("x-99")
    with pytest.raises(ValueError, match="before their end"):
        compile_models([*costly, "*-one-more"])


@pytest.mark.parametrize("others", [[], ["x"], ["all-team-models"]])
def test_all_proxy_models_is_every_model(others: list[str]) -> None:
    rule = compile_models(["all-proxy-models", *others])
    assert rule.everything
    assert rule.allows("gpt-4o")


def test_sec_57_no_default_models_is_no_model_and_stands_alone() -> None:
    assert not compile_models(["no-default-models"]).allows("no-default-models")
    for others in (["x"], ["all-proxy-models"]):
        with pytest.raises(ValueError, match="alone"):
            compile_models(["no-default-models", *others])


def test_sec_57_all_team_models_admits_nothing_by_itself() -> None:
    rule = compile_models(["all-team-models", "x"])
    assert rule.of_team
    assert rule.allows("x")
    assert not rule.allows("all-team-models")
    assert not compile_models(["x"]).of_team


def test_a_rule_remembers_its_list() -> None:
    assert compile_models(["b", "a*", "b"]).listed == ("b", "a*", "b")


@pytest.mark.parametrize(
    ("prefixes", "model", "allowed"),
    [
        (["a*", "ab*", "abc*"], "a", True),
        (["abc*", "ab*"], "abd", True),
        (["abc*", "ab*"], "aa", False),
        (["b*", "d*"], "c", False),
        (["b*", "d*"], "a", False),
        (["b*", "d*"], "e", False),
        (["b*", "ba!*", "d*"], "bz", True),
        (["ab*", "acd*"], "aca", False),
        (["ab*", "acd*"], "acz", False),
        (["*", "d*"], "a", True),
    ],
)
def test_sec_57_prefixes_that_begin_with_each_other(
    prefixes: list[str], model: str, *, allowed: bool
) -> None:
    assert compile_models(prefixes).allows(model) is allowed
    assert compile_models(prefixes[::-1]).allows(model) is allowed


def test_sec_57_pathological_patterns_get_the_right_answer() -> None:
    """Backtracking matchers would take longer than the universe has for the ones that fail."""
    pattern = "*a" * 100 + "*b"
    rule = compile_models([pattern])
    assert not rule.allows("a" * 200)
    assert not rule.allows("a" * 99 + "b")
    assert rule.allows("a" * 200 + "b")
    assert rule.allows("a" * 100 + "b")


@pytest.mark.parametrize(
    ("pattern", "model"),
    [
        ("*a" * 100, "a" * 99 + "b" * 157),
        ("*a" * 99 + "*b", "a" * 256),
        ("*" * 200, "a" * 256),
        ("*" + "a" * 98 + "b*" + "a" * 98 + "b*", "a" * 256),
        ("a*" * 100, "a" * 256),
        ("*ab" * 66 + "*c", "ab" * 128),
    ],
)
def test_sec_57_a_pathological_pattern_of_200_characters_decides_within_a_millisecond(
    pattern: str, model: str
) -> None:
    rule = compile_models([pattern])
    times = []
    for _ in range(20):
        start = time.process_time()
        rule.allows(model)
        times.append(time.process_time() - start)
    assert min(times) < 0.001
