"""URLs that a command is told: what is used, and why the rest is not."""

import pytest

from gatepass.plugin.commands.urls import is_base_url, is_plain_url_path, problem_of

PORT = "the port must be from 1 to 65535"
HOST = "the host is neither a name nor an address"
PATH = "the path has empty or dotted segments"
SHAPE = "neither credentials nor a query nor unusual characters may stand in it"


@pytest.mark.parametrize(
    "url",
    [
        *("http://a", "https://a.example:443", "http://127.0.0.1:1", "http://[::1]:65535"),
        *("http://a/", "http://a/v1/chat.completions", "http://xn--a-b.example/x_y~z/"),
    ],
)
def test_a_plain_url(url: str) -> None:
    assert problem_of(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        *((f"http://a:{port}", PORT) for port in (0, 65536, 99999, "080", "00")),
        *((f"http://{host}", HOST) for host in ("[1::2::3]", "[.]", "256.0.0.1", "1.2.3", "7")),
        *((f"http://{host}:80", HOST) for host in ("a..b", "...", "-a", "a-", "a" * 64)),
        ("http://" + ".".join(["a" * 63] * 4), HOST),
        *((f"http://a{path}", PATH) for path in ("//", "/a//b", "/../b", "/a/..", "/./b", "/.")),
        *((url, SHAPE) for url in ("", "a", "ftp://a", "http://", "http://u:p@a", "http://a?b")),
        *((f"http://a{more}", SHAPE) for more in ("#b", " b", "\n", '"', "/\u00e9", "/%2f", ":x")),
        ("http://a:123456", SHAPE),
    ],
)
def test_what_cannot_be_used(url: str, problem: str) -> None:
    assert problem_of(url) == problem


def test_a_base_url_has_no_path() -> None:
    assert is_base_url("http://[::1]:8700")
    assert not is_base_url("http://a/")
    assert not is_base_url("http://a/b")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/a.b/..c/~x-y"])
def test_a_path_that_everybody_reads_alike(path: str) -> None:
    assert is_plain_url_path(path)


@pytest.mark.parametrize(
    "path", ["", "v1", "//", "/a//b", "/v1//", "/../y", "/a/.", "/%2e", "/a\n"]
)
def test_a_path_that_is_read_in_several_ways(path: str) -> None:
    assert not is_plain_url_path(path)
