"""Which request targets have one reading, on the real Kong's own table of them.

Kong 3.9 with a route of `/` and strip_path off: the target as it came, `get_path`, and the
path that the upstream was sent.
"""

import pytest

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.kong.path import check_one_path
from gatepass.plugin.reasons import Reason
from gatepass.rbac.errors import AccessDenied
from gatepass.rbac.routes import read_path

PLAIN = [
    ("/v1/models", "/v1/models"),
    ("/v1/models/", "/v1/models/"),
    ("/v1/models?x=/../y", "/v1/models"),
    ("/V1/Models", "/V1/Models"),
    ("/v1/a+b", "/v1/a+b"),
    ("/v1/models?", "/v1/models"),
    ("/v1/models??a", "/v1/models"),
    ("/aaaaaa", "/aaaaaa"),
    ("/v1/a%20b", "/v1/a b"),
    ("/v1/a%2cb?%2f", "/v1/a%2Cb"),
]
"""Judged by the path as it came. An absolute target looks like the first: Kong strips the host."""

NORMALIZED = [
    ("//v1//models", "/v1/models"),
    ("/v1/../admin", "/admin"),
    ("/public/../v1/models", "/v1/models"),
    ("/public/%2e%2e/v1/models", "/v1/models"),
    ("/public/%2E./v1/models", "/v1/models"),
    ("/v1/./models", "/v1/models"),
    ("/v1/models/.", "/v1/models/"),
    ("/.//v1", "/v1"),
    ("/v1//../models", "/models"),
    ("//v1/../admin?q", "/admin"),
]
"""Kong routes on another path than came: refused here."""

ENCODED = [
    ("/v1/%6dodels", "/v1/models"),
    ("/v1%2fmodels", "/v1%2Fmodels"),
    ("/v1%2Fmodels", "/v1%2Fmodels"),
    ("/public/..%2fv1/models", "/public/..%2Fv1/models"),
    ("/v1/models%3fx=1", "/v1/models%3Fx=1"),
    ("/v1/models;a=b", "/v1/models;a=b"),
    ("/v1/mod%65ls%20x", "/v1/models x"),
    (b"/v1/caf%c3%a9", b"/v1/caf\xc3\xa9"),
    ("/v1/models#frag", "/v1/models#frag"),
    ("/v1/mod\\els", "/v1/mod\\els"),
    ("/..%5cv1", "/..\\v1"),
    ("/v1/a%0d%0ab", "/v1/a\r\nb"),
    ("/v1/%25%32%66models", "/v1/%252fmodels"),
    ("/pub%252f..", "/pub%252f.."),
    ("/v1/a%2f..%2f..%2fadmin", "/v1/a%2F..%2F..%2Fadmin"),
    (b"/v1/\xe9", b"/v1/\xe9"),
]
"""Two spellings of one path for Kong, and another one for some upstream: rbac.routes refuses."""


def octets(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@pytest.mark.parametrize(("target", "normalized"), PLAIN)
def test_a_plain_path_has_one_reading(target: str, normalized: str) -> None:
    check_one_path(target.encode(), normalized.encode())
    assert read_path(target.encode()) == target.partition("?")[0]


@pytest.mark.parametrize(("target", "normalized"), NORMALIZED)
def test_sec_32_a_path_that_kong_normalized_is_refused(target: str, normalized: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_one_path(target.encode(), normalized.encode())
    assert refused.value.code == Reason.AMBIGUOUS_PATH.code


@pytest.mark.parametrize(("target", "normalized"), ENCODED)
def test_sec_33_a_path_that_an_upstream_may_read_otherwise_is_refused_by_the_routes(
    target: str | bytes, normalized: str | bytes
) -> None:
    check_one_path(octets(target), octets(normalized))
    with pytest.raises(AccessDenied) as refused:
        read_path(octets(target))
    assert refused.value.code == Reason.AMBIGUOUS_PATH.code


@pytest.mark.parametrize("octet", range(1, 256))
def test_every_octet_is_encoded_as_kong_does_it(octet: int) -> None:
    """Kong leaves 19 octets encoded, in capitals, and decodes every other."""
    kept = b"!#$%&'()*+,/:;=?@[]"
    assert len(kept) == 19
    kong = b"%%%02X" % octet if octet in kept else bytes((octet,))
    for spelling in (b"%%%02x" % octet, b"%%%02X" % octet):
        check_one_path(b"/a" + spelling + b"b?" + spelling, b"/a" + kong + b"b")
        with pytest.raises(RequestRefused):
            check_one_path(b"/a" + spelling, b"/a")
    if octet in kept:
        with pytest.raises(RequestRefused):
            check_one_path(b"/a%%%02x" % octet, b"/a" + bytes((octet,)))


@pytest.mark.parametrize(
    ("target", "normalized"),
    [
        ("/v1/models", ""),
        ("", "/v1/models"),
        ("?/v1/models", "/v1/models"),
        ("/v1/models", "/v1/models/"),
        ("/v1/models", "/v1/Models"),
        ("/v1/models", "/v1/models?"),
        ("/v1/models%3F", "/v1/models"),
        ("/key/generate?/v1/models", "/v1/models"),
        ("/v1/models?x", "/v1/models?x"),
        ("/v1/%zz", "/v1/"),
        ("/v1/%", "/v1/"),
        ("/v1/%6dodels", "/v1/%6dodels"),
        ("http://evil.test/v1/models", "/v1/models"),
    ],
)
def test_sec_32_34_what_kong_does_not_say_of_the_same_path_is_refused(
    target: str, normalized: str
) -> None:
    with pytest.raises(RequestRefused):
        check_one_path(target.encode(), normalized.encode())


@pytest.mark.parametrize("target", ["", "?", "*", "v1/models", "/v1/%", "/v1/%zz", "/v1/a%00b"])
def test_what_kong_never_lets_through_is_refused_all_the_same(target: str) -> None:
    path = target.partition("?")[0].encode().replace(b"%00", b"\0")
    check_one_path(target.encode(), path)
    with pytest.raises(AccessDenied):
        read_path(target.encode())
