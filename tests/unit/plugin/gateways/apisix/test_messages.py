"""The messages of the protocol: read as APISIX writes them, written as it reads them."""

from collections.abc import Callable

import pytest

from gatepass.plugin.gateways.apisix.bounds import MAX_BODY_BYTES, MAX_PAYLOAD_BYTES
from gatepass.plugin.gateways.apisix.flatbuffers import Malformed
from gatepass.plugin.gateways.apisix.messages import (
    METHODS,
    answered,
    framed,
    prepared,
    question_for_body,
    question_for_response_body,
    question_for_variable,
    read_call_id,
    read_extra_info,
    read_http_req_call,
    read_http_resp_call,
    read_prepare_conf,
    refused,
    response_answered,
    rewrite,
    stop,
    token_unknown,
)
from support.apisix import messages as theirs
from support.apisix.messages import (
    Entry,
    Extra,
    Failure,
    Prepare,
    Prepared,
    Question,
    RequestAnswer,
    RequestBody,
    RequestCall,
    ResponseAnswer,
    ResponseBody,
    ResponseCall,
    Rewrite,
    Stop,
    Var,
    encode,
)
from support.apisix_calls import frames_in, said_in

ADDRESS = bytes((192, 0, 2, 7))
HEADERS: tuple[Entry, ...] = (
    (b"host", b"h"),
    (b"x-bad", b"\xff\xfe\r\n\t"),
    (b"x-dup", b"1"),
    (b"x-dup", b"2"),
)


def test_a_call_is_read_with_all_it_says() -> None:
    args = ((b"a", b"1"), (b"flag", None))
    octets = encode(RequestCall(9, ADDRESS, 2, b"/v1/\xff", args, HEADERS, 2**32 - 1))
    call = read_http_req_call(octets)
    assert call == (9, ADDRESS, "POST", b"/v1/\xff", list(HEADERS), 2**32 - 1)


def test_0e_id_0_is_a_call_like_any_other() -> None:
    call = read_http_req_call(encode(RequestCall(0, ADDRESS, 0, b"/", (), HEADERS, 5)))
    assert (call.call_id, call.method, call.conf_token) == (0, "GET", 5)


def test_methods_are_those_of_the_schema() -> None:
    assert METHODS == theirs.METHODS
    for number, method in enumerate(METHODS):
        assert read_http_req_call(encode(RequestCall(method=number))).method == method


@pytest.mark.parametrize("number", [len(METHODS), 255])
def test_sec_38_a_method_outside_the_schema_is_malformed(number: int) -> None:
    octets = encode(RequestCall(17, method=number))
    with pytest.raises(Malformed):
        read_http_req_call(octets)
    assert read_call_id(octets) == 17


@pytest.mark.parametrize("octets", [b"", b"\0" * 4, b"\xff" * 16])
def test_the_id_of_a_call_that_cannot_be_read_is_0(octets: bytes) -> None:
    assert read_call_id(octets) == 0


def test_a_response_is_read() -> None:
    call = read_http_resp_call(encode(ResponseCall(4, 204, HEADERS, 8)))
    assert call == (4, 204, list(HEADERS), 8)


def test_a_configuration_is_read() -> None:
    conf = ((b"gatepass", b"{}"), (b"other", None))
    assert read_prepare_conf(encode(Prepare(conf, b"route#1"))).conf == list(conf)
    assert read_prepare_conf(encode(Prepare())).conf == []


@pytest.mark.parametrize("result", [None, b"", b"{}", b"\xff" * 100_000])
def test_nothing_is_not_the_empty_answer(result: bytes | None) -> None:
    assert read_extra_info(encode(Extra(result))) == result


@pytest.mark.parametrize(
    "read", [read_prepare_conf, read_http_req_call, read_http_resp_call, read_extra_info]
)
@pytest.mark.parametrize("octets", [b"", b"\x04", b"\xff" * 64, b"\x04\0\0\0\xff\xff\xff\x7f"])
def test_sec_41_what_is_no_message_is_malformed(
    read: Callable[[bytes], object], octets: bytes
) -> None:
    with pytest.raises(Malformed):
        read(octets)


@pytest.mark.parametrize("length", [0, 1, 255, 256, 65_536])
def test_a_frame_has_its_type_and_three_bytes_of_length(length: int) -> None:
    octets = framed(3, b"x" * length)
    assert octets == theirs.frame(3, b"x" * length)
    assert frames_in(octets) == [(3, b"x" * length)]


def test_a_frame_that_cannot_say_its_length_is_not_written() -> None:
    with pytest.raises(OverflowError):
        framed(2, bytes(MAX_PAYLOAD_BYTES + 1))


def test_0a_errors_are_frames_of_type_0() -> None:
    """In a frame of the call's own type they would let the request through."""
    for octets, code in (
        (refused(), theirs.BAD_REQUEST),
        (token_unknown(), theirs.TOKEN_NOT_FOUND),
    ):
        assert frames_in(octets)[0][0] == theirs.ERROR
        assert said_in(octets) == [Failure(code)]


@pytest.mark.parametrize("token", [1, 2**31 - 1, 2**32 - 1])
def test_a_token_is_told(token: int) -> None:
    assert said_in(prepared(token)) == [Prepared(token)]


def test_questions() -> None:
    octets = question_for_variable(b"real_request_uri") + question_for_body()
    assert said_in(octets) == [Question(1, Var(b"real_request_uri")), Question(2, RequestBody())]
    assert said_in(question_for_response_body()) == [Question(3, ResponseBody())]


@pytest.mark.parametrize("number", [0, 1, 2**32 - 1])
@pytest.mark.parametrize("headers", [(), ((b"X-Up", b"1"), (b"X-Up", b"\xff"), (b"X-Empty", b""))])
@pytest.mark.parametrize("body", [None, b" "])
def test_a_response_is_answered(
    number: int, headers: tuple[Entry, ...], body: bytes | None
) -> None:
    octets = response_answered(number, 304, list(headers), body)
    assert said_in(octets) == [ResponseAnswer(number, 304, headers, body)]


@pytest.mark.parametrize("number", [0, 1, 2**22, 2**32 - 1])
def test_a_stop(number: int) -> None:
    octets = answered(number, stop(401, list(HEADERS), b"no"), stops=True)
    assert said_in(octets) == [RequestAnswer(number, 1, Stop(401, HEADERS, b"no"))]


@pytest.mark.parametrize("number", [0, 2**32 - 1])
@pytest.mark.parametrize("headers", [[], [(b"a", None), (b"b", b"\xff"), (b"c", b"")]])
def test_a_rewrite(number: int, headers: list[tuple[bytes, bytes | None]]) -> None:
    octets = answered(number, rewrite(headers), stops=False)
    assert said_in(octets) == [RequestAnswer(number, 2, Rewrite(headers=tuple(headers)))]


def test_a_rewrite_of_nothing_is_an_explicit_yes() -> None:
    """An answer without an action would be one too, which is why nothing else may end so."""
    (answer,) = said_in(answered(0, rewrite([]), stops=False))
    assert answer == RequestAnswer(0, 2, Rewrite())


def test_the_longest_body_that_settings_allow_fits_into_a_frame_and_16_mib_do_not() -> None:
    assert len(encode(Extra(bytes(MAX_BODY_BYTES)))) <= MAX_PAYLOAD_BYTES
    assert len(encode(Extra(bytes(16 * 1024 * 1024)))) > MAX_PAYLOAD_BYTES
