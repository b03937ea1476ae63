"""One pass over the headers, as an attacker fills them."""

import tracemalloc
from collections.abc import Sequence
from contextlib import suppress

import pytest

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.inspection import HeaderFacts, HeaderInspector
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import Request

Headers = Sequence[tuple[bytes, bytes]]
BEARER = (b"authorization", b"Bearer abc.def.ghi")


def inspect(
    headers: Headers, *, complete: bool = True, removable: bool = True, inspections: int = 2
) -> HeaderFacts:
    """Inspect with names unseen, then with names that were learned."""
    inspector = HeaderInspector(
        token_headers=(b"authorization", b"x-api-token"),
        identity_headers=frozenset({b"x-gatepass-user", b"x-corp-id"}),
        team_header=b"x-gatepass-team",
    )
    request = Request("GET", b"/", headers, headers_complete=complete, can_remove_headers=removable)
    for _ in range(inspections - 1):
        with suppress(RequestRefused):
            inspector.inspect(request)
    return inspector.inspect(request)


def refusal(headers: Headers, *, complete: bool = True, removable: bool = True) -> str:
    codes = set()
    for inspections in (1, 2):
        with pytest.raises(RequestRefused) as refused:
            inspect(headers, complete=complete, removable=removable, inspections=inspections)
        codes.add(refused.value.code)
    assert len(codes) == 1
    return codes.pop()


def test_nothing_is_found_in_no_headers() -> None:
    assert inspect([]) == HeaderFacts(
        token=None, team=None, encoded=False, foreign=False, drop_connection=False
    )


@pytest.mark.parametrize("value", [b"Bearer abc", b"bearer abc", b"BEARER abc", b"bEaReR abc"])
def test_the_scheme_is_free_in_its_letter_case(value: bytes) -> None:
    assert inspect([(b"Authorization", value)]).token == b"abc"


@pytest.mark.parametrize(
    "value",
    [b"", b"Bearer", b"Bearer ", b"Basic dXNlcjpwdw==", b"Bearerabc", b"Bearer\tabc", b" Bearer a"],
)
def test_what_is_no_bearer_token_is_none(value: bytes) -> None:
    assert inspect([(b"authorization", value)]).token is None


@pytest.mark.parametrize(
    "headers",
    [
        [BEARER, BEARER],
        [BEARER, (b"Authorization", b"Bearer other")],
        [BEARER, (b"AUTHORIZATION", b"")],
        [BEARER, (b"authorization", b"Basic dXNlcjpwdw==")],
        [BEARER, (b"x-api-token", b"Bearer abc.def.ghi")],
        [(b"X_Api_Token", b"Bearer abc"), (b"x-api-token", b"Bearer abc")],
        [(b"authorization", b"Bearer abc,def")],
        [(b"authorization", b"Bearer abc, Bearer def")],
        [(b"authorization", b"Bearer a b")],
        [(b"authorization", b"Bearer  abc")],
        [(b"authorization", b"Bearer abc ")],
    ],
)
def test_sec_43_more_than_one_credential(headers: Headers) -> None:
    assert refusal(headers) == "two_tokens"


def test_sec_43_foreign_bytes_are_left_to_the_strict_parser() -> None:
    assert inspect([(b"authorization", b"Bearer \xff\xfe\x00")]).token == b"\xff\xfe\x00"


def test_another_token_header_may_hold_the_token() -> None:
    assert inspect([(b"X-Api-Token", b"Bearer abc")]).token == b"abc"


def test_a_cut_list_is_refused_before_anything_else() -> None:
    assert refusal([BEARER, BEARER], complete=False) == "headers_cut"


@pytest.mark.parametrize(
    "name",
    [b"X-HTTP-Method-Override", b"x_http_method_override", b"X-Http-Method", b"X-Method-Override"],
)
def test_sec_38_the_method_is_not_overridden_by_a_header(name: bytes) -> None:
    assert refusal([BEARER, (name, b"DELETE")]) == "bad_method"
    assert refusal([(name, b"")]) == "bad_method"


@pytest.mark.parametrize("name", [b"X-Gatepass-User", b"x_gatepass_user", b"X-GATEPASS_user"])
def test_sec_44_an_identity_header_that_cannot_be_removed(name: bytes) -> None:
    assert refusal([(name, b"root")], removable=False) == "identity_header_sent"
    assert not inspect([(name, b"root")]).drop_connection


@pytest.mark.parametrize(
    "value",
    [
        b"x-gatepass-user",
        b"close, X-Gatepass-User",
        b"close,x_gatepass_user ,te",
        b"\tX-CORP-ID\t",
        b",,x-corp-id",
    ],
)
def test_sec_45_connection_names_one_of_ours(value: bytes) -> None:
    assert inspect([(b"Connection", value)]).drop_connection
    assert inspect([(b"connection", b"close"), (b"CONNECTION", value)]).drop_connection
    assert inspect([(b"connection", value), (b"X-Gatepass-User", b"root")]).drop_connection
    assert inspect([(b"connection", value), (b"Connection", b"close")]).drop_connection
    assert refusal([(b"connection", value)], removable=False) == "identity_header_sent"


@pytest.mark.parametrize("value", [b"close", b"keep-alive, upgrade", b"", b"x-gatepass-users"])
def test_an_ordinary_connection_header_stays(value: bytes) -> None:
    assert not inspect([(b"connection", value)], removable=False).drop_connection


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (b"gzip", True),
        (b"GZIP", True),
        (b"identity, gzip", True),
        (b"aes128gcm", True),
        (b"identity", False),
        (b" Identity ", False),
        (b"", False),
    ],
)
def test_sec_58_compressed_bodies_are_known(value: bytes, *, encoded: bool) -> None:
    assert inspect([(b"Content-Encoding", value)]).encoded is encoded
    assert inspect([(b"content_encoding", value)]).encoded is encoded


def test_sec_58_one_encoding_of_two_is_enough() -> None:
    headers = [(b"content-encoding", b"gzip"), (b"content-encoding", b"identity")]
    assert inspect(headers).encoded


@pytest.mark.parametrize(
    "value",
    [
        b"application/json",
        b"Application/JSON",
        b"application/json; charset=utf-8",
        b"application/json;charset=UTF-8",
        b'application/json; charset="utf-8"',
        b"application/json;",
        b"application/vnd.api+json",
        b" application/json ",
    ],
)
def test_json_says_that_it_is_json(value: bytes) -> None:
    assert not inspect([(b"Content-Type", value)]).foreign


@pytest.mark.parametrize(
    "value",
    [
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=x",
        b"application/json; charset=utf-7",
        b"application/json; charset=utf-16",
        b"application/json; charset=utf-8; charset=utf-7",
        b"application/json, application/x-www-form-urlencoded",
        b"application/json; profile=multipart/form-data",
        b"application/x-ndjson",
        b"text/plain",
        b"",
        b"\xff",
    ],
)
def test_sec_58_what_says_to_be_something_else_is_foreign(value: bytes) -> None:
    assert inspect([(b"Content-Type", value)]).foreign
    assert inspect([(b"content-type", b"application/json"), (b"content-type", value)]).foreign
    assert inspect([(b"content-type", value), (b"content-type", b"application/json")]).foreign
    assert inspect([(b"content_type", value)]).foreign


@pytest.mark.parametrize("team", [b"t1", b"a team", b"team_id:t1", b"T-1"])
def test_the_team_is_chosen(team: bytes) -> None:
    assert inspect([(b"X-Gatepass-Team", team)]).team == team.decode()


@pytest.mark.parametrize(
    "value", [b"", b" t1", b"t1 ", b"\tt1", b"t\x001", b"t1\r\nx: y", b"\xff", "t\u00e9".encode()]
)
def test_sec_43_a_team_that_is_no_plain_text(value: bytes) -> None:
    assert refusal([(b"x-gatepass-team", value)]) == "bad_header_value"


def test_two_chosen_teams_are_refused_even_when_they_agree() -> None:
    headers = [(b"x-gatepass-team", b"t1"), (b"X_GATEPASS_TEAM", b"t1")]
    assert refusal(headers) == "bad_header_value"


def test_strangers_cannot_fill_the_memory_with_names() -> None:
    inspector = HeaderInspector(
        token_headers=(b"authorization",), identity_headers=frozenset(), team_header=None
    )
    tracemalloc.start()
    try:
        for number in range(300):
            long = b"x-%d-" % number + b"a" * 10_000
            inspector.inspect(Request("GET", b"/", [(long, b"")]))
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    for number in range(10_000):
        inspector.inspect(Request("GET", b"/", [(b"x-%d" % number, b"")]))
    assert inspector.inspect(Request("GET", b"/", [BEARER])).token == b"abc.def.ghi"


def test_codes_are_those_of_the_table() -> None:
    assert Reason.TWO_TOKENS.status == Reason.BAD_HEADER_VALUE.status == 400


def with_proofs(*headers: tuple[bytes, bytes]) -> HeaderFacts:
    inspector = HeaderInspector(
        token_headers=(b"authorization",),
        identity_headers=frozenset(),
        team_header=None,
        proofs=True,
    )
    assert inspector.credential_names == {b"authorization", b"dpop"}
    return inspector.inspect(Request("GET", b"/", headers))


@pytest.mark.parametrize("scheme", [b"DPoP ", b"dpop ", b"DPOP "])
def test_a_token_by_dpop_and_its_proof(scheme: bytes) -> None:
    found = with_proofs((b"Authorization", scheme + b"a.b.c"), (b"DPoP", b"x.y.z"))
    assert (found.token, found.by_dpop, found.proof) == (b"a.b.c", True, b"x.y.z")
    found = with_proofs((b"authorization", b"Bearer a.b.c"), (b"dpop", b"x.y.z"))
    assert (found.token, found.by_dpop, found.proof) == (b"a.b.c", False, b"x.y.z")
    found = with_proofs((b"authorization", b"bearer a"))
    assert (found.token, found.by_dpop, found.proof) == (b"a", False, None)
    assert with_proofs((b"dpop", b"x")).token is None
    assert with_proofs((b"authorization", b"Basic x")).token is None


def test_sec_43_two_proofs_and_two_tokens_by_dpop_are_refused() -> None:
    with pytest.raises(RequestRefused) as refused:
        with_proofs((b"DPoP", b"x"), (b"dpop", b"x"))
    assert refused.value.code == "bad_dpop_proof"
    for value in (b"DPoP a, DPoP b", b"DPoP a b", b"dpop a,b"):
        with pytest.raises(RequestRefused) as refused:
            with_proofs((b"authorization", value))
        assert refused.value.code == "two_tokens"


def test_where_no_token_is_bound_to_a_key_dpop_is_a_header_like_others() -> None:
    found = inspect([(b"dpop", b"x"), (b"DPoP", b"y"), (b"authorization", b"DPoP a.b.c")])
    assert (found.token, found.by_dpop, found.proof) == (None, False, None)
