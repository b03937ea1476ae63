"""The path that APISIX routed on against the target that the upstream gets (SEC-32, 33)."""

import pytest

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.apisix.path import check_one_path
from gatepass.plugin.reasons import Reason
from support.apisix.path_table import PATH_TABLE, Row

ASKED = [row for row in PATH_TABLE if row.path is not None]


def is_refused(target: bytes | None, normalized: bytes) -> bool:
    try:
        judged = check_one_path(target, normalized)
    except RequestRefused as refused:
        return refused.code == Reason.AMBIGUOUS_PATH.code
    assert judged == target
    return False


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/v1/models", b"/v1/models"),
        (b"/v1/models?", b"/v1/models"),
        (b"/v1/models?x=/../admin&y=%2f", b"/v1/models"),
        (b"/v1/models?x=%", b"/v1/models"),
        (b"/v1/models/", b"/v1/models/"),
        (b"/", b"/"),
        (b"/v1/a%20b", b"/v1/a b"),
        (b"/v1/caf%C3%a9", b"/v1/caf\xc3\xa9"),
        (b"/v1/100%25", b"/v1/100%"),
        (b"/%761/models", b"/v1/models"),
        (b"/v1/models%3Fadmin=1", b"/v1/models?admin=1"),
        (b"/v1/caf\xe9", b"/v1/caf\xe9"),
    ],
)
def test_two_spellings_of_one_path(target: bytes, path: bytes) -> None:
    """What of them is let through is the Gate's to say."""
    assert not is_refused(target, path)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/v1//models", b"/v1/models"),
        (b"//v1/models", b"/v1/models"),
        (b"/v1/%2f%2fmodels", b"/v1/models"),
        (b"/v1/../v1/models", b"/v1/models"),
        (b"/v1/./models", b"/v1/models"),
        (b"/v1/public/%2e%2e/admin", b"/v1/admin"),
        (b"/v1/admin%2F..%2Fpublic", b"/v1/public"),
        (b"/v1/public;/../admin", b"/v1/admin"),
        (b"/plain/%2e%2e/v1/models", b"/v1/models"),
        (b"/v1/models#frag", b"/v1/models"),
        (b"/v1/models/", b"/v1/models"),
        (b"/v1/models", b"/v1/models/"),
        (b"/v1/models", b"/V1/models"),
        (b"/v1/models", b"/v2/rewritten"),
        (b"/v1/models", b""),
        (b"/v1/a%252Fb", b"/v1/a/b"),
        (b"/v1/a%2", b"/v1/a%02"),
        (b"http://h/v1/models", b"/v1/models"),
        (b"*", b"/"),
    ],
)
def test_sec_32_33_what_the_two_read_differently_is_refused(target: bytes, path: bytes) -> None:
    assert is_refused(target, path)


@pytest.mark.parametrize("target", [None, b""])
def test_sec_32_a_target_that_is_not_told_is_refused(target: bytes | None) -> None:
    assert is_refused(target, b"/v1/models")
    assert is_refused(target, b"")


@pytest.mark.parametrize("row", ASKED, ids=lambda row: row.target.decode("latin-1"))
def test_sec_33_what_was_seen_of_the_real_apisix(row: Row) -> None:
    """Cleaned away were slashes, dots and fragments, and only what is decoded alone may pass."""
    assert row.path is not None
    target = row.target.removeprefix(b"http://other.example")
    path = target.partition(b"?")[0]
    is_cleaned = any(mark in path.lower() for mark in (b"//", b"#", b"%2f%2f", b"/./"))
    is_cleaned |= b".." in path.lower().replace(b"%2e", b".") and b".." not in row.path
    assert is_refused(target, row.path) == is_cleaned
