"""The original request as told by a proxy, and what a client can do about it: nothing."""

import pytest

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.conventions import CADDY, ENVOY, NGINX, TRAEFIK, Convention
from gatepass.plugin.gateways.forwarded import announces_body, read_marks, to_request
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import REASON_BY_CODE, Reason
from gatepass.plugin.request import BodyState, Request

NGINX_GET = [(b"x-original-method", b"GET"), (b"x-original-uri", b"/v1/models")]
TRAEFIK_POST = [(b"x-forwarded-method", b"POST"), (b"x-forwarded-uri", b"/v1/chat?x=1")]


def read(
    convention: Convention,
    headers: list[Header],
    *,
    method: str = "GET",
    target: bytes = b"/asked",
    body: bytes | BodyState = b"",
) -> Request:
    return to_request(
        convention,
        profile="default",
        method=method,
        target=target,
        headers=headers,
        marks=read_marks(convention, headers),
        body=body,
    )


def refused(convention: Convention, headers: list[Header]) -> Reason:
    with pytest.raises(RequestRefused) as caught:
        read(convention, headers)
    return REASON_BY_CODE[caught.value.code]


def test_envoy_repeats_the_request_itself() -> None:
    request = read(ENVOY, [(b"host", b"h")], method="POST", target=b"/a?b", body=b"{}")
    assert (request.method, request.target, request.body) == ("POST", b"/a?b", b"{}")
    assert request.can_remove_headers
    assert request.headers == [(b"host", b"h")]


@pytest.mark.parametrize(
    ("convention", "headers", "method", "target"),
    [
        (NGINX, NGINX_GET, "GET", b"/v1/models"),
        (TRAEFIK, TRAEFIK_POST, "POST", b"/v1/chat?x=1"),
        (CADDY, TRAEFIK_POST, "POST", b"/v1/chat?x=1"),
    ],
)
def test_the_others_name_it_in_headers(
    convention: Convention, headers: list[Header], method: str, target: bytes
) -> None:
    request = read(convention, headers)
    assert (request.method, request.target) == (method, target)
    assert not request.can_remove_headers
    assert request.headers is headers


@pytest.mark.parametrize("convention", [NGINX, TRAEFIK, CADDY])
def test_sec_37_a_repeated_or_missing_header_is_refused(convention: Convention) -> None:
    assert convention.method_header is not None
    assert convention.target_header is not None
    method, target = (convention.method_header, b"GET"), (convention.target_header, b"/v1/models")
    assert refused(convention, [method, target, (target[0], b"/evil")]) is Reason.AMBIGUOUS_PATH
    assert refused(convention, [method, target, target]) is Reason.AMBIGUOUS_PATH
    assert refused(convention, [method, method, target]) is Reason.BAD_METHOD
    assert refused(convention, [method]) is Reason.AMBIGUOUS_PATH
    assert refused(convention, [method, (target[0], b"")]) is Reason.AMBIGUOUS_PATH
    assert refused(convention, [target]) is Reason.BAD_METHOD
    assert refused(convention, [(method[0], b""), target]) is Reason.BAD_METHOD
    assert refused(convention, [(method[0], b"G\xc3\x89T"), target]) is Reason.BAD_METHOD


@pytest.mark.parametrize(
    "forged", [b"x_original_uri", b"x-original-url", b"x-rewrite-url", b"x-forwarded-uri"]
)
def test_sec_32_other_spellings_and_other_names_mean_nothing(forged: bytes) -> None:
    request = read(NGINX, [*NGINX_GET, (forged, b"/evil")])
    assert request.target == b"/v1/models"


def test_sec_32_envoy_reads_no_path_from_headers() -> None:
    forged = [
        (b"x-envoy-original-path", b"/evil"),
        (b"x-original-uri", b"/evil"),
        (b"x-forwarded-uri", b"/evil"),
        (b"x-forwarded-method", b"PUT"),
    ]
    request = read(ENVOY, forged)
    assert (request.method, request.target) == ("GET", b"/asked")


def test_bytes_beyond_ascii_are_handed_on_as_they_are() -> None:
    headers = [NGINX_GET[0], (b"x-original-uri", b"/v1/\xc3\xa9\xff"), (b"x-h", b"\xff\x00")]
    request = read(NGINX, headers)
    assert request.target == b"/v1/\xc3\xa9\xff"
    assert request.headers[-1] == (b"x-h", b"\xff\x00")


def test_a_hundred_headers_do_not_hide_a_repeated_one() -> None:
    many = [(b"x-%d" % number, b"v") for number in range(100)]
    assert len(read(NGINX, [*NGINX_GET, *many]).headers) == 102
    assert refused(NGINX, [*NGINX_GET, *many, NGINX_GET[1]]) is Reason.AMBIGUOUS_PATH


@pytest.mark.parametrize("convention", [ENVOY, NGINX, TRAEFIK, CADDY])
def test_an_empty_body_where_one_could_be_is_not_shown(convention: Convention) -> None:
    headers = [*TRAEFIK_POST, (b"x-original-method", b"POST"), (b"x-original-uri", b"/a")]
    assert read(convention, headers, method="POST").body is BodyState.NOT_SHOWN


def test_what_never_shows_bodies_shows_none_for_get_either() -> None:
    assert read(NGINX, NGINX_GET).body is BodyState.NOT_SHOWN
    get = [(b"x-forwarded-method", b"GET"), (b"x-forwarded-uri", b"/")]
    assert read(CADDY, get).body is BodyState.NOT_SHOWN
    assert read(TRAEFIK, get).body == b""
    assert read(ENVOY, []).body == b""


def test_a_method_that_nobody_knows_could_have_a_body() -> None:
    assert read(ENVOY, [], method="QUERY").body is BodyState.NOT_SHOWN


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        ([], b"{}"),
        ([b"false"], b"{}"),
        ([b"true"], BodyState.CUT),
        ([b"TRUE"], BodyState.CUT),
        ([b""], BodyState.CUT),
        ([b"false", b"true"], BodyState.CUT),
        ([b"false", b"false"], BodyState.CUT),
    ],
)
def test_a_body_is_whole_only_if_envoy_says_so(lines: list[bytes], body: bytes | BodyState) -> None:
    headers = [(b"x-envoy-auth-partial-body", line) for line in lines]
    assert read(ENVOY, headers, method="POST", body=b"{}").body == body


def test_a_cut_body_above_the_limit_is_too_large() -> None:
    cut = [(b"x-envoy-auth-partial-body", b"true")]
    request = read(ENVOY, cut, method="POST", body=BodyState.TOO_LARGE)
    assert request.body is BodyState.TOO_LARGE


@pytest.mark.parametrize(
    ("convention", "headers", "announced"),
    [
        (ENVOY, [], False),
        (ENVOY, [(b"content-length", b"0")], False),
        (ENVOY, [(b"content-length", b"1")], True),
        (TRAEFIK, [(b"transfer-encoding", b"chunked")], True),
        (NGINX, [(b"content-length", b"9")], False),
        (CADDY, [(b"transfer-encoding", b"chunked")], False),
    ],
)
def test_only_a_body_that_is_the_clients_is_read(
    convention: Convention, headers: list[Header], *, announced: bool
) -> None:
    assert announces_body(convention, read_marks(convention, headers)) is announced


def test_the_profile_comes_from_the_path_alone() -> None:
    assert read(ENVOY, [(b"x-gatepass-profile", b"admin")]).profile == "default"
