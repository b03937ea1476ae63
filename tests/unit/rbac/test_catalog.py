"""What a deployment calls its models: groups, aliases and providers, bound into lists."""

import pytest

from gatepass.rbac.catalog import PLAIN_CATALOG, ModelCatalog, is_plain_model
from gatepass.rbac.models import ALL_MODELS, MAX_INNER_WILDCARDS, ModelRule, compile_models
from gatepass.rbac.providers import PROVIDERS

CATALOG = ModelCatalog(
    {"beta": ("gpt-4o*", "claude-*", "fast"), "none": ()},
    {"fast": "small-1", "gpt-best": "gpt-5"},
    {"openai": ("gpt-*", "o1"), "acme": ("acme-*",)},
)


def bound(*listed: str, catalog: ModelCatalog = CATALOG) -> ModelRule:
    return catalog.bind(compile_models(listed))


@pytest.mark.parametrize(
    ("listed", "model", "allowed"),
    [
        ("beta", "gpt-4o-mini", True),
        ("beta", "claude-opus", True),
        ("beta", "small-1", True),
        ("beta", "beta", False),
        ("beta", "fast", False),
        ("beta*", "gpt-4o", False),
        ("Beta", "gpt-4o", False),
        ("none", "none", False),
        ("fast", "small-1", True),
        ("fast", "fast", False),
        ("fas*", "small-1", False),
        ("gpt-best", "gpt-5", True),
        ("other", "other", True),
    ],
)
def test_sec_57_groups_and_aliases_stand_for_what_they_hold(
    listed: str, model: str, *, allowed: bool
) -> None:
    assert bound(listed).allows(model) is allowed
    assert bound("x", listed, "y*").allows(model) is allowed


@pytest.mark.parametrize(
    ("pattern", "model", "allowed"),
    [
        ("openai/*", "gpt-4o", True),
        ("openai/*", "o1", True),
        ("openai/gpt-4*", "gpt-4o", True),
        ("openai/*-4o", "gpt-4o", True),
        ("openai/*", "openai/gpt-4o", True),
        ("openai/*", "openai/anything", True),
        ("openai/gpt-4*", "gpt-5", False),
        ("openai/gpt-4o", "gpt-4o", False),
        ("openai/*", "o1-preview", False),
        ("openai/*", "claude-opus", False),
        ("openai/*", "acme-1", False),
        ("acme/*", "gpt-4o", False),
        ("acme/*", "acme-1", True),
        ("acme/*", "acme-x/1", False),
        ("openai/*", "gpt-x/4", False),
        ("openai/*", "azure/gpt-4o", False),
        ("openai/*", "openaizz/gpt-4o", False),
        ("open*/*", "gpt-4o", False),
        ("*/gpt-4o", "gpt-4o", False),
        ("openai*", "gpt-4o", False),
        ("OPENAI/*", "gpt-4o", False),
        ("bedrock/*", "bedrockzz/x", False),
        ("bedrock/*", "x", False),
    ],
)
def test_sec_57_a_wildcard_of_a_provider_admits_its_bare_names_alone(
    pattern: str, model: str, *, allowed: bool
) -> None:
    assert bound(pattern).allows(model) is allowed


def test_sec_57_a_table_that_claims_everything_still_grants_no_name_with_a_prefix() -> None:
    greedy = ModelCatalog(providers={"openai": ("*",)})
    rule = bound("openai/*", catalog=greedy)
    assert rule.allows("anything")
    assert not rule.allows("bedrockzz/x")


def test_providers_of_groups_and_of_several_patterns_count() -> None:
    catalog = ModelCatalog({"g": ("acme/*", "openai/gpt-4*")}, {}, {"acme": ("a*",), **PROVIDERS})
    rule = bound("g", "anthropic/claude-3*", catalog=catalog)
    assert all(map(rule.allows, ("a1", "gpt-4o", "claude-3-opus")))
    assert not any(map(rule.allows, ("b1", "gpt-5", "claude-4")))


def test_the_built_in_table_is_closed_and_its_names_have_one_provider_each() -> None:
    assert PROVIDERS.keys() == {"anthropic", "openai", "vertex_ai"}
    for name, patterns in PROVIDERS.items():
        for other, theirs in PROVIDERS.items():
            rule = compile_models(theirs)
            if other != name:
                assert not any(rule.allows(pattern.rstrip("*")) for pattern in patterns)
    assert bound("openai/*", catalog=PLAIN_CATALOG).allows("gpt-4o")
    assert bound("anthropic/*", catalog=PLAIN_CATALOG).allows("claude-opus-4")


def test_binding_is_done_once_for_a_list() -> None:
    rule = compile_models(["beta"])
    assert CATALOG.bind(rule) is CATALOG.bind(rule) is CATALOG.bind_team(rule, {})
    assert CATALOG.bind_team(rule, {"a": "x"}) is not CATALOG.bind(rule)
    one = CATALOG.bind_team(rule, {"a": "x", "b": "y"})
    assert one is CATALOG.bind_team(rule, {"c": "y", "d": "x", "e": "x"})
    assert CATALOG.bind(ALL_MODELS) is CATALOG.bind_team(ALL_MODELS, {"a": "x"}) is ALL_MODELS


def test_a_list_that_means_what_it_says_is_bound_as_it_is() -> None:
    for rule in (compile_models(["a", "b*", "x/*"]), compile_models([])):
        assert CATALOG.bind(rule) is rule
    assert CATALOG.bind(compile_models(["openai/*"])).allows("gpt-4o")


def test_what_is_remembered_has_an_end() -> None:
    catalog = ModelCatalog()
    rules = [compile_models([str(number)]) for number in range(1_001)]
    for rule in rules:
        catalog.bind(rule)
    assert len(catalog._bound) == 1


def test_what_a_teams_aliases_stand_for_counts_as_listed_in_its_list() -> None:
    rule = CATALOG.bind_team(compile_models(["a"]), {"x": "fast", "y": "b"})
    assert all(map(rule.allows, ("a", "b", "small-1")))
    assert not any(map(rule.allows, ("fast", "x", "y")))


@pytest.mark.parametrize(
    "target", ["*", "gpt-*", "all-proxy-models", "all-team-models", "beta", ""]
)
def test_sec_57_a_teams_alias_opens_neither_a_pattern_nor_a_group(target: str) -> None:
    rule = CATALOG.bind_team(compile_models(["a"]), {"x": target})
    assert rule.allows("a")
    assert not any(map(rule.allows, ("gpt-4o", "claude-opus", "x", "o1", "")))
    assert CATALOG.bind_team(compile_models([]), {"x": "all-proxy-models"}).everything is False


def test_a_teams_own_aliases_come_first_and_the_global_ones_apply_to_their_targets() -> None:
    own = {"fast": "big-1", "quick": "gpt-best", "ours": "theirs"}
    assert CATALOG.aliases_with(own) == {
        "fast": "big-1",
        "quick": "gpt-5",
        "ours": "theirs",
        "gpt-best": "gpt-5",
    }
    assert CATALOG.aliases_with({}) is CATALOG.aliases


COSTLY = tuple(f"*{number}x" for number in range(60))


@pytest.mark.parametrize(
    ("groups", "aliases", "sentence"),
    [
        ({"g": ("a", "h"), "h": ("b",)}, {}, "names of other groups"),
        ({"g": ("g",)}, {}, "names of other groups"),
        ({"all-proxy-models": ("a",)}, {}, "no use"),
        ({"g": ("all-proxy-models",)}, {}, "no use"),
        ({"g": ("a", "all-team-models")}, {}, "no use"),
        ({"g": ("no-default-models",)}, {}, "no use"),
        ({"g": ("",)}, {}, "characters"),
        ({"g": COSTLY, "h": COSTLY}, {}, "before their end"),
        ({}, {"a": "b", "b": "c"}, "another alias"),
        ({}, {"a": "a"}, "another alias"),
        ({}, {"a*": "b"}, "one model each"),
        ({}, {"a": "b*"}, "one model each"),
        ({}, {"a": ""}, "one model each"),
        ({}, {"all-proxy-models": "a"}, "one model each"),
        ({"g": ("a",)}, {"g": "a"}, "same name"),
        ({"g": ("a",)}, {"x": "g"}, "same name"),
    ],
)
def test_sec_57_names_that_mean_two_things_are_refused(
    groups: dict[str, tuple[str, ...]], aliases: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        ModelCatalog(groups, aliases)


def test_sec_57_costly_patterns_of_groups_and_lists_are_capped_each() -> None:
    full = tuple(f"*{number}x" for number in range(MAX_INNER_WILDCARDS))
    catalog = ModelCatalog({"g": full})
    own = [f"*{number}y" for number in range(MAX_INNER_WILDCARDS)]
    rule = catalog.bind(compile_models([*own, "g"]))
    assert rule.allows("a-99x")
    assert rule.allows("a-99y")


@pytest.mark.parametrize(
    ("name", "plain"),
    [("a", True), ("x" * 256, True), ("", False), ("x" * 257, False), ("a*", False)],
)
def test_what_can_be_the_name_of_one_model(name: str, *, plain: bool) -> None:
    assert is_plain_model(name) is plain
    assert not is_plain_model("all-proxy-models")
