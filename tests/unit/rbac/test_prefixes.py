import pytest

from gatepass.rbac.prefixes import bucketed, without_longer


@pytest.mark.parametrize(
    ("prefixes", "kept"),
    [
        ([], []),
        ([""], [""]),
        (["b", "", "a"], [""]),
        (["abc", "ab", "b", "abd", "ba"], ["ab", "b"]),
        (["a!", "a", "b"], ["a", "b"]),
        (["ab", "aa"], ["aa", "ab"]),
        (["a", "a"], ["a"]),
    ],
)
def test_a_prefix_that_begins_with_another_says_nothing_more(
    prefixes: list[str], kept: list[str]
) -> None:
    assert without_longer(prefixes) == kept


@pytest.mark.parametrize(
    ("prefixes", "width", "buckets"),
    [
        ([], 0, {}),
        (["", "a"], 0, {"": [""]}),
        (["abc", "abd", "b"], 1, {"a": ["abc", "abd"], "b": ["b"]}),
        (["abd", "abc", "ba"], 2, {"ab": ["abc", "abd"], "ba": ["ba"]}),
    ],
)
def test_buckets_are_as_wide_as_the_shortest_prefix(
    prefixes: list[str], width: int, buckets: dict[str, list[str]]
) -> None:
    assert bucketed(prefixes) == (width, buckets)
