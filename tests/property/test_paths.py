"""A path that is let through reads in one way, however often somebody decodes or normalizes it."""

import posixpath
import re
from random import Random
from urllib.parse import unquote_to_bytes, urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from gatepass.rbac.errors import AccessDenied
from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import MAX_PATH_BYTES, METHODS, compile_routes, read_path

NASTY = (
    *(b"/", b"//", b".", b"..", b"...", b"\\", b";", b"?", b"#", b" ", b"\0", b"\n", b"%", b"%2"),
    *(b"%2e", b"%2E", b"%2f", b"%5C", b"%25", b"%252e", b"%3b", b"%3F", b"%23", b"%00", b"%20"),
    *(b"%c0%ae", b"%c3%a9", b"%41", b"%3a", b"%2C", b"%zz", b"%u002e", b"\xc0\xae", b"\xff"),
    *(b"a", b"public", b"key", b"v1", b"models", b":", b"*", b"http://x", b"~", b"..;"),
)
targets = st.one_of(
    st.lists(st.sampled_from(NASTY), max_size=12).map(lambda parts: b"/" + b"".join(parts)),
    st.lists(st.sampled_from(NASTY), max_size=12).map(b"".join),
    st.binary(max_size=40),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")),
)
segments = st.from_regex(r"[A-Za-z0-9:@_-]{1,6}", fullmatch=True)


def accepted(target: bytes) -> str | None:
    try:
        return read_path(target)
    except AccessDenied:
        return None


@given(targets)
@example(b"/public/%252e%252e/key")
@example(b"/public/%25%32%65/key")
def test_sec_33_decoding_once_or_twice_or_never_leads_to_the_same_place(target: bytes) -> None:
    path = accepted(target)
    if path is None:
        return
    reading = path.encode()
    for _ in range(3):
        assert reading.startswith(b"/")
        assert b"//" not in reading
        assert not {b".", b".."} & set(reading.split(b"/"))
        assert not re.search(rb"[\\;?#%\x00-\x1f\x7f-\xff]", reading) or reading == path.encode()
        assert posixpath.normpath(reading).rstrip(b"/") == reading.rstrip(b"/")
        assert reading.count(b"/") == path.count("/")
        reading = unquote_to_bytes(reading)
    assert reading == unquote_to_bytes(path)


@given(targets)
def test_sec_33_what_is_let_through_is_let_through_unchanged(target: bytes) -> None:
    path = accepted(target)
    if path is not None:
        assert path.encode() == target.partition(b"?")[0]
        assert len(path) <= MAX_PATH_BYTES
        assert urlsplit(path).path == path


@given(targets, st.binary(max_size=40))
def test_sec_34_no_query_changes_the_reading(target: bytes, query: bytes) -> None:
    path = target.partition(b"?")[0]
    assert accepted(path + b"?" + query) == accepted(path)


@given(st.lists(segments, max_size=6), st.sampled_from(["", "/"]))
def test_plain_paths_are_let_through(parts: list[str], end: str) -> None:
    path = "/" + "/".join(parts) + (end if parts else "")
    assert accepted(path.encode()) == path


# Rules against a slow reference that walks segment by segment.

words = st.sampled_from(["a", "b", "v1"])
rules = st.builds(
    lambda method, parts, end: method + "/" + "/".join(parts) + end,
    st.sampled_from(["", "", "GET ", "POST "]),
    st.lists(st.one_of(words, words, st.just("{id}"), st.just("{id}:run")), min_size=1, max_size=3),
    st.sampled_from(["", "", "/", "/*", "/{rest:path}"]),
)
paths = st.builds(
    lambda parts, end: "/" + "/".join(parts) + end,
    st.lists(st.sampled_from(["a", "b", "v1", "c", "a:run", ":run"]), min_size=1, max_size=5),
    st.sampled_from(["", "", "/"]),
)
methods = st.sampled_from(METHODS)


def covers(rule: str, method: str, path: str) -> bool:
    bound, blank, pattern = rule.rpartition(" ")
    if blank and bound != method:
        return False
    wanted, given_parts = pattern[1:].split("/"), path[1:].split("/")
    if wanted[-1] == "*":
        rest = given_parts[len(wanted) - 1 :]
        return bool(rest) and rest != [""] and _same(wanted[:-1], given_parts[: len(wanted) - 1])
    if wanted[-1] == "{rest:path}":
        rest = given_parts[len(wanted) - 1 :]
        return bool(rest) and "" not in rest and _same(wanted[:-1], given_parts[: len(wanted) - 1])
    return _same(wanted, given_parts)


def _same(wanted: list[str], parts: list[str]) -> bool:
    return len(wanted) == len(parts) and all(
        part.removesuffix(":run") not in {"", part}
        if want == "{id}:run"
        else bool(part)
        if want == "{id}"
        else part == want
        for want, part in zip(wanted, parts, strict=True)
    )


@given(st.lists(rules, max_size=6), methods, paths)
def test_sec_35_compiled_rules_agree_with_the_slow_reference(
    entries: list[str], method: str, path: str
) -> None:
    expected = any(covers(rule, method, path) for rule in entries)
    assert compile_routes(entries, {}).allows(method, path) is expected


@given(st.lists(rules, min_size=1, max_size=6), st.data(), methods, paths)
def test_sec_39_taking_a_rule_away_never_allows_more(
    entries: list[str], data: st.DataObject, method: str, path: str
) -> None:
    fewer = data.draw(st.lists(st.sampled_from(entries), unique=True, max_size=len(entries)))
    if compile_routes(fewer, {}).allows(method, path):
        assert compile_routes(entries, {}).allows(method, path)


@given(st.lists(rules, max_size=6), st.randoms(use_true_random=False), methods, paths)
def test_the_order_of_rules_changes_nothing(
    entries: list[str], random: Random, method: str, path: str
) -> None:
    shuffled = [*entries, *entries]
    random.shuffle(shuffled)
    assert compile_routes(shuffled, {}).allows(method, path) == (
        compile_routes(entries, {}).allows(method, path)
    )


@given(st.text(max_size=20))
def test_sec_39_any_other_text_is_refused_as_a_rule_or_matches_only_itself(text: str) -> None:
    try:
        matcher = compile_routes([text], ROUTE_GROUPS)
    except ValueError:
        return
    if text != "*" and "{" not in text and not text.endswith("/*") and " " not in text:
        assert text in ROUTE_GROUPS or matcher.allows("GET", text)
        assert not matcher.allows("GET", text + "x")
