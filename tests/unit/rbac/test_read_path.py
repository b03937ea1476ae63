import pytest

from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.routes import MAX_PATH_BYTES, read_path


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/v1/chat/completions",
        b"/v1/models/",
        b"/V1/MODELS",
        b"/v1/models/ft:gpt-4o:acme::abc",
        b"/v1beta/models/gemini-2.5-pro:generateContent",
        b"/a-b._~!$&'()*+,=:@/0",
        b"/...",
        b"/..a",
        b"/a..",
        b"/.well-known/openid-configuration",
        b"/a%20b%22%3c%3E%5b%5D%5e%60%7b%7C%7d",
        b"/a%21%24%26%27%28%29%2a%2B%2c%3A%3d%40",
    ],
)
def test_sec_33_a_path_that_reads_in_one_way_is_kept_as_it_stands(target: bytes) -> None:
    assert read_path(target) == target.decode()


AMBIGUOUS = {
    "nothing": b"",
    "no slash": b"v1/models",
    "asterisk form": b"*",
    "authority form": b"example.com:443",
    "absolute form": b"http://x/public/a/../../key/generate",
    "only a query": b"?/v1/models",
    "two slashes at the start": b"//key/generate",
    "two slashes inside": b"/public//key",
    "two slashes at the end": b"/public//",
    "dot segment": b"/public/./key",
    "parent segment": b"/public/../key/generate",
    "dot at the end": b"/key/generate/.",
    "parent at the end": b"/public/..",
    "parent before a query": b"/public/..?x",
    "dot alone": b"/.",
    "backslash": b"/public\\..\\key",
    "path parameter": b"/key/generate;x=/v1/models",
    "parent with a parameter": b"/public/..;/key/generate",
    "fragment": b"/v1/models#/../x",
    "blank": b"/v1/mod els",
    "blank at the end": b"/v1/models ",
    "tab": b"/v1/models\t",
    "line feed": b"/v1/models\n",
    "carriage return": b"/v1/models\r",
    "nul": b"/v1/models\0",
    "delete": b"/v1/models\x7f",
    "quote": b'/v1/"models"',
    "angle brackets": b"/<v1>",
    "square brackets": b"/[v1]",
    "braces": b"/{v1}",
    "bar": b"/v1|models",
    "caret": b"/v1^",
    "backtick": b"/v1`",
    "division slash": "/public\u2215..\u2215key".encode(),
    "umlaut": "/m\u00f6del".encode(),
    "latin 1": b"/m\xf6del",
    "percent alone": b"/v1%",
    "percent and one digit": b"/v1%2",
    "percent and no digits": b"/v1%zz",
    "encoded slash": b"/v1%2Fmodels",
    "encoded slash in lower case": b"/v1%2fmodels",
    "encoded backslash": b"/v1%5Cmodels",
    "encoded backslash in lower case": b"/v1%5cmodels",
    "encoded parent": b"/public/%2e%2e/key",
    "half encoded parent": b"/public/.%2E/key",
    "encoded dot in a name": b"/gpt-4%2E1",
    "encoded percent": b"/public/%252e%252e/key",
    "encoded semicolon": b"/key/generate%3bx",
    "encoded question mark": b"/key/generate%3fx",
    "encoded number sign": b"/key/generate%23x",
    "encoded nul": b"/public/%00",
    "encoded tab": b"/key/generate%09",
    "encoded line feed": b"/key/generate%0a",
    "encoded unit separator": b"/key/generate%1f",
    "encoded delete": b"/key/generate%7f",
    "encoded letter": b"/%6bey/generate",
    "encoded capital": b"/%4Bey",
    "encoded digit": b"/v%31/models",
    "encoded hyphen": b"/gpt%2d4o",
    "encoded underscore": b"/a%5fb",
    "encoded tilde": b"/a%7eb",
    "overlong encoding": b"/public/%c0%ae%c0%ae/key",
    "encoded umlaut": b"/m%C3%B6del",
    "encoded octet 80": b"/%80",
    "too long": b"/" + b"a" * MAX_PATH_BYTES,
}


@pytest.mark.parametrize("target", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_sec_33_ambiguous_paths_are_refused_and_not_repaired(target: bytes) -> None:
    with pytest.raises(AccessDenied) as denied:
        read_path(target)
    assert denied.value.fault is AccessFault.AMBIGUOUS_PATH
    assert str(denied.value) == "the path can be read in more than one way"


def test_sec_33_every_encoded_octet_is_judged() -> None:
    kept = set()
    for octet in range(256):
        for encoded in (b"%%%02x" % octet, b"%%%02X" % octet):
            try:
                read_path(b"/a" + encoded)
            except AccessDenied:
                continue
            kept.add(octet)
    assert bytes(sorted(kept)) == b" !\"$&'()*+,:<=>@[]^`{|}"


def test_sec_33_every_plain_octet_is_judged() -> None:
    kept = set()
    for octet in range(256):
        try:
            path = read_path(b"/a" + bytes((octet,)) + b"b")
        except AccessDenied:
            continue
        if len(path) == 4:
            kept.add(octet)
    letters = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert kept == set(letters + b"/-._~!$&'()*+,=:@")


def test_the_longest_path_is_accepted_and_the_query_does_not_count() -> None:
    longest = b"/" + b"a" * (MAX_PATH_BYTES - 1)
    assert read_path(longest + b"?" + b"q" * MAX_PATH_BYTES) == longest.decode()


@pytest.mark.parametrize(
    "query", [b"", b"/v1/models", b"x=../../y", b"a?b", b"#", b"%2f%2e", b"\xff"]
)
def test_sec_34_the_query_takes_part_in_nothing(query: bytes) -> None:
    assert read_path(b"/key/generate?" + query) == "/key/generate"
