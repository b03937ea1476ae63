from collections.abc import Sequence

import pytest

from gatepass.rbac.routes import MAX_PATH_BYTES, METHODS, NO_ROUTES, compile_routes


def allows(entries: Sequence[str], path: str, method: str = "POST") -> bool:
    return compile_routes(entries, {}).allows(method, path)


@pytest.mark.parametrize(
    ("entry", "path", "allowed"),
    [
        # exact
        ("/v1/models", "/v1/models", True),
        ("/v1/models", "/v1/models/", False),
        ("/v1/models", "/v1/models-evil", False),
        ("/v1/models", "/v1/models/a", False),
        ("/v1/models", "/v1", False),
        ("/v1/models", "/V1/MODELS", False),
        ("/v1/models/", "/v1/models/", True),
        ("/v1/models/", "/v1/models", False),
        ("/a.b", "/axb", False),
        ("/", "/", True),
        ("/", "/a", False),
        # prefixes
        ("/public/*", "/public/a", True),
        ("/public/*", "/public/a/b", True),
        ("/public/*", "/public/a/", True),
        ("/public/*", "/public", False),
        ("/public/*", "/public/", False),
        ("/public/*", "/publicity", False),
        ("/public/*", "/publicity/secret", False),
        ("/public/*", "/Public/a", False),
        ("/public/*", "/x/public/a", False),
        ("/*", "/a", True),
        ("/*", "/a/b", True),
        ("/*", "/", False),
        # templates of one segment
        ("/files/{file_id}", "/files/a", True),
        ("/files/{file_id}", "/files/a:b@c%20d", True),
        ("/files/{file_id}", "/files/", False),
        ("/files/{file_id}", "/files", False),
        ("/files/{file_id}", "/files/a/", False),
        ("/files/{file_id}", "/files/a/b", False),
        ("/files/{file_id}", "/filesx/a", False),
        ("/a/{x}/b/{y}", "/a/1/b/2", True),
        ("/a/{x}/b/{y}", "/a/1/c/2", False),
        ("/a.b/{x}", "/axb/1", False),
        ("/a/v{x}-end", "/a/v1-end", True),
        ("/a/v{x}-end", "/a/v-end", False),
        # templates of several segments
        ("/server/{path:path}", "/server/a", True),
        ("/server/{path:path}", "/server/a/b/c", True),
        ("/server/{path:path}", "/server/", False),
        ("/server/{path:path}", "/server", False),
        ("/server/{path:path}", "/server/a/", False),
        ("/models/{name:path}:generate", "/models/g:generate", True),
        ("/models/{name:path}:generate", "/models/x/g:generate", True),
        ("/models/{name:path}:generate", "/models/g:v1:generate", True),
        ("/models/{name:path}:generate", "/models/:generate", False),
        ("/models/{name:path}:generate", "/models/g:generated", False),
        ("/models/{name:path}:generate", "/models/g%3Agenerate", False),
        ("/models/{name:path}:generate", "/models/g", False),
        ("/t/{a:path}/callback/{b}", "/t/1/2/callback/3", True),
        ("/t/{a:path}/callback/{b}", "/t/callback/3", False),
        ("/t/{a:path}/callback/{b}", "/t/1/callback/2/3", False),
        ("/t/{b}/x/{a:path}", "/t/1/x/2/3", True),
        ("/t/{b}/x/{a:path}", "/t/1/2/x/3", False),
        # templates that go on as prefixes
        ("/a/{x}/*", "/a/1/2", True),
        ("/a/{x}/*", "/a/1/2/3/", True),
        ("/a/{x}/*", "/a/1", False),
        ("/a/{x}/*", "/a/1/", False),
        # everything
        ("*", "/", True),
        ("*", "/anything/at/all", True),
    ],
)
def test_sec_35_sec_36_what_a_rule_covers(entry: str, path: str, allowed: bool) -> None:  # noqa: FBT001 - a column of the table
    assert allows([entry], path) is allowed
    if entry != "*":
        assert allows([f"POST {entry}"], path) is allowed


@pytest.mark.parametrize("entry", ["/a", "/a/*", "/a/{x}", "/a/{x:path}", "/a/{x}/*"])
def test_sec_38_a_rule_with_a_method_binds_it(entry: str) -> None:
    path = {"/a": "/a", "/a/{x}/*": "/a/1/2"}.get(entry, "/a/1")
    for bound in METHODS:
        matcher = compile_routes([f"{bound} {entry}"], {})
        assert [method for method in METHODS if matcher.allows(method, path)] == [bound]
        assert not matcher.allows(bound.lower(), path)
        assert not matcher.allows("", path)
        assert not matcher.allows("TRACE", path)


def test_sec_38_rules_for_several_methods_stand_side_by_side() -> None:
    matcher = compile_routes(["GET /a", "DELETE /a", "/b"], {})
    assert [method for method in METHODS if matcher.allows(method, "/a")] == ["GET", "DELETE"]
    assert matcher.allows("POST", "/b")
    assert not matcher.allows("GET", "/c")


def test_sec_38_a_rule_without_a_method_covers_all_of_them() -> None:
    assert compile_routes(["/a"], {}).allows("PROPFIND", "/a")


@pytest.mark.parametrize("path", ["/", "/v1/models", "/public/a"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "HEAD"])
def test_sec_39_sec_42_no_rules_allow_nothing(method: str, path: str) -> None:
    assert not NO_ROUTES.allows(method, path)
    assert not compile_routes([], {}).allows(method, path)


def test_many_rules_of_all_kinds_stand_side_by_side() -> None:
    entries = ["/a", "/b/*", "/b/c/*", "/c/{x}", "/d/{x}", "/e/{x}/f", "/g/{x:path}", "/h/{x}/*"]
    for path in ("/a", "/b/1", "/b/c/", "/c/1", "/d/1", "/e/1/f", "/g/1/2", "/h/1/2"):
        assert allows(entries, path)
    for path in ("/b", "/b/", "/c", "/x/1", "/c/1/2", "/e/1/g", "/g", "/h/1"):
        assert not allows(entries, path)


def test_groups_stand_for_their_rules() -> None:
    groups = {"mine": ("/a", "/b/*", "GET /c"), "other": ("/d",)}
    matcher = compile_routes(["mine", "/e"], groups)
    for method, path in (("PUT", "/a"), ("PUT", "/b/1"), ("GET", "/c"), ("PUT", "/e")):
        assert matcher.allows(method, path)
    for method, path in (("PUT", "/c"), ("PUT", "/d")):
        assert not matcher.allows(method, path)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        " ",
        "openai_route",
        "models",
        "**",
        "v1/models",
        "http://x/v1/models",
        "get /a",
        "FETCH /a",
        "GET",
        "GET ",
        "GET  /a",
        "GET POST /a",
        " /a",
        "/a ",
        "GET *",
        "GET mine",
        "nested",
        "/a*",
        "/a/*/b",
        "/*/a",
        "/a/**",
        "/a/x*",
        "//a",
        "/a//b",
        "/a//*",
        "/a/../b",
        "/a/..",
        "/a/.",
        "/./*",
        "/a;b",
        "/a?b",
        "/realtime?{model}",
        "/a#b",
        "/a\\b",
        "/a%2fb",
        "/m\u00f6del",
        "/\ud800",
        "/a/{",
        "/a/}",
        "/a/{}",
        "/a/{x",
        "/a/{X}",
        "/a/{x:int}",
        "/a/{x y}",
        "/a/{x}{y}",
        "/a/{x}-{y}",
        "/{x:path}/a/{y:path}",
        "/" + "a" * MAX_PATH_BYTES,
    ],
)
def test_sec_39_rules_that_can_only_be_mistakes_are_refused(entry: str) -> None:
    groups = {"mine": ("/a",), "nested": ("mine",)}
    with pytest.raises(ValueError, match=r"^[a-z *].*path") as refused:
        compile_routes(["/fine", entry], groups)
    assert len(entry.strip()) < 4 or entry not in str(refused.value)
