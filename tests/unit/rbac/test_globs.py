import pytest

from gatepass.rbac.globs import matches_glob, split_glob


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b*c*", "xbxcx", True),
        ("*b*c*", "xcxbx", False),
        ("a*b*b", "abb", True),
        ("a*b*b", "ab", False),
        (".*", "x", False),
        ("a*\n", "a\n", True),
    ],
)
def test_sec_57_only_the_star_is_special(pattern: str, text: str, *, matches: bool) -> None:
    assert matches_glob(split_glob(pattern), text) is matches
