"""Functions and their results in MessagePack: what goes out, and what no result may be."""

import msgpack
import pytest

from gatepass.plugin.decision import error_body
from gatepass.plugin.gateways.kong.calls import (
    BODY,
    HEAD,
    Authenticate,
    ClearHeader,
    Exit,
    Kind,
    Proceed,
    SetHeaders,
    Share,
)
from gatepass.plugin.gateways.kong.messagepack_values import (
    BadValue,
    Function,
    read_answer,
    to_exit_function,
    to_functions,
    to_question,
)
from gatepass.plugin.reasons import Reason

CONSUMER = (b"00000000-0000-0000-0000-000000000001", b"ann")


def test_questions_carry_their_arguments() -> None:
    assert [to_question(question, 500) for question in HEAD.questions] == [
        Function("kong.request.get_headers", [1000]),
        Function("kong.request.get_method", []),
        Function("kong.request.get_path_with_query", []),
        Function("kong.request.get_path", []),
        Function("kong.nginx.get_var", [b"request_id"]),
        Function("kong.client.get_forwarded_ip", []),
    ]


def test_the_body_is_asked_for_up_to_the_limit() -> None:
    """Without one Kong fails for every body that is not in nginx's buffer."""
    assert [to_question(question, 500) for question in BODY.questions] == [
        Function("kong.request.get_raw_body", [500])
    ]


def test_commands_and_the_marker_in_their_order() -> None:
    commands = (
        ClearHeader(b"x_user"),
        SetHeaders(((b"x-user", b"ann"),)),
        Authenticate(CONSUMER, b"c"),
        Authenticate(None, b"c"),
        Share(b"k", b"t"),
        Share(b"k", (b"a", b"b")),
    )
    assert to_functions(Proceed(commands, "r-1")) == [
        Function("kong.service.request.clear_header", [b"x_user"]),
        Function("kong.service.request.set_headers", [{b"x-user": b"ann"}]),
        Function(
            "kong.client.authenticate",
            [
                {"id": CONSUMER[0], "username": b"ann", "custom_id": b"ann"},
                {"id": b"c", "consumer_id": CONSUMER[0]},
            ],
        ),
        Function("kong.client.authenticate", [None, {"id": b"c"}]),
        Function("kong.ctx.shared.set", [b"k", b"t"]),
        Function("kong.ctx.shared.set", [b"k", [b"a", b"b"]]),
        Function("kong.ctx.shared.set", ["gatepass", "v1:r-1"]),
    ]
    assert to_functions(Proceed()) == []


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_an_exit_has_a_body_of_text(reason: Reason) -> None:
    """Kong makes its own page of nil, and JSON of a table."""
    headers = ((b"content-type", b"application/json"),)
    function = to_exit_function(Exit(reason.status, headers, error_body(reason)))
    assert function.Method == "kong.response.exit"
    assert function.Args == [reason.status, error_body(reason), dict(headers)]


@pytest.mark.parametrize(
    ("kind", "value", "answer"),
    [
        (Kind.TEXT, b"/v1", b"/v1"),
        (Kind.TEXT, b"\xff", b"\xff"),
        (Kind.TEXT, None, b""),
        (Kind.NUMBER, 200, 200),
        (Kind.BODY, b"", b""),
        (Kind.BODY, b"{}", b"{}"),
        (Kind.SHARED, b"v1:x", b"v1:x"),
        (Kind.SHARED, None, None),
        (Kind.SHARED, True, None),
        (Kind.SHARED, 5, None),
        (Kind.SHARED, {b"a": b"b"}, None),
        (Kind.HEADERS, {}, []),
        (Kind.HEADERS, {b"a": [b"1", b"2"]}, [(b"a", b"1"), (b"a", b"2")]),
        (Kind.HEADERS, {b"a": b"1"}, [(b"a", b"1")]),
        (Kind.HEADERS, {b"\xff": [b"\xfe"]}, [(b"\xff", b"\xfe")]),
        (Kind.HEADERS, {b"a": [b""]}, [(b"a", b"")]),
    ],
)
def test_what_a_result_says(kind: Kind, value: object, answer: object) -> None:
    assert read_answer(kind, value) == answer


TIMESTAMP = msgpack.Timestamp(1)
EXTENSION = msgpack.ExtType(5, b"v1:r-1")


@pytest.mark.parametrize("kind", [Kind.TEXT, Kind.BODY, Kind.HEADERS, Kind.NUMBER])
@pytest.mark.parametrize("value", [True, 1.5, "text", [5], [None, None], TIMESTAMP, EXTENSION])
def test_a_result_of_another_type_is_none(kind: Kind, value: object) -> None:
    with pytest.raises(BadValue):
        read_answer(kind, value)


@pytest.mark.parametrize(
    "value",
    [
        {b"a": 5},
        {b"a": [5]},
        {b"a": [[b"1"]]},
        {b"a": {b"b": b"c"}},
        {b"a": True},
        {5: [b"1"]},
        {b"a": EXTENSION},
        b"a",
        5,
    ],
)
def test_headers_of_another_shape_are_none(value: object) -> None:
    with pytest.raises(BadValue):
        read_answer(Kind.HEADERS, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [(Kind.NUMBER, None), (Kind.NUMBER, b"200"), (Kind.TEXT, {}), (Kind.BODY, {}), (Kind.BODY, 5)],
)
def test_a_result_that_is_missing_where_it_must_be_is_none(kind: Kind, value: object) -> None:
    with pytest.raises(BadValue):
        read_answer(kind, value)


def test_sec_58_a_body_that_kong_could_not_read_is_not_an_empty_body() -> None:
    with pytest.raises(BadValue):
        read_answer(Kind.BODY, None)


def test_sec_44_headers_that_kong_could_not_read_are_not_none() -> None:
    with pytest.raises(BadValue):
        read_answer(Kind.HEADERS, None)


@pytest.mark.parametrize(
    "lines",
    [
        [None],
        None,
        pytest.param(
            [],
        ),
    ],
)
def test_sec_44_a_header_without_a_value_does_not_vanish(lines: object) -> None:
    try:
        headers = read_answer(Kind.HEADERS, {b"x-gatepass-user": lines})
    except BadValue:
        return
    assert [name for name, _ in headers] == [b"x-gatepass-user"]


def test_no_headers_at_all_may_come_as_an_empty_list() -> None:
    assert read_answer(Kind.HEADERS, []) == []
