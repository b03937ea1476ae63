"""Questions and commands byte by byte, and what is made of Kong's answers."""

from itertools import pairwise

import pytest

from gatepass.plugin.decision import error_body
from gatepass.plugin.gateways.kong.calls import (
    BODY,
    HEAD,
    Authenticate,
    Batch,
    ClearHeader,
    Command,
    Exit,
    Kind,
    Question,
    SetHeaders,
    Share,
    SpooledBody,
)
from gatepass.plugin.gateways.kong.pdk import (
    decoders,
    encode_batch,
    encode_commands,
    encode_exit,
    encode_marker,
)
from gatepass.plugin.gateways.kong.protobuf import Malformed
from gatepass.plugin.reasons import Reason
from support.kong_wire import (
    calls_in,
    exit_in,
    field_of,
    frames_in,
    header_map,
    members,
    struct_of,
    value_of,
)

CONSUMER = (b"00000000-0000-0000-0000-000000000001", b"ann")
CREDENTIAL = b"00000000-0000-0000-0000-000000000002"


def told(*commands: Command) -> list[tuple[str, bytes]]:
    return calls_in(frames_in(encode_commands(commands)))


def read(kind: Kind, message: bytes) -> object:
    (decode,) = decoders(Batch((Question("kong.any", kind),)))
    answer: object = decode(message)
    return answer


def test_everything_but_the_body_is_asked_in_one_go() -> None:
    assert calls_in(frames_in(encode_batch(HEAD))) == [
        ("kong.request.get_headers", b"\x08\xe8\x07"),  # 1000, Kong's own bound
        ("kong.request.get_method", b""),
        ("kong.request.get_path_with_query", b""),
        ("kong.request.get_path", b""),
        ("kong.nginx.get_var", b"\x0a\x0arequest_id"),
        ("kong.client.get_forwarded_ip", b""),
    ]
    assert calls_in(frames_in(encode_batch(BODY))) == [("kong.request.get_raw_body", b"")]


def test_a_header_is_cleared_by_the_name_that_kong_knows() -> None:
    assert told(ClearHeader(b"x_user_id")) == [
        ("kong.service.request.clear_header", b"\x0a\x09x_user_id")
    ]


def test_headers_are_set_in_one_call() -> None:
    ((function, args),) = told(SetHeaders(((b"x-user", b"ann"), (b"x-role", b""))))
    assert function == "kong.service.request.set_headers"
    assert args == (
        b"\x0a\x0f\x0a\x06x-user\x12\x05\x1a\x03ann\x0a\x0c\x0a\x06x-role\x12\x02\x1a\x00"
    )


def test_a_caller_with_a_consumer() -> None:
    ((function, args),) = told(Authenticate(CONSUMER, CREDENTIAL))
    assert function == "kong.client.authenticate"
    consumer, credential = members(args)
    assert consumer == (
        1,
        b"".join(field_of(*pair) for pair in ((1, CONSUMER[0]), (3, b"ann"), (4, b"ann"))),
    )
    assert credential == (2, field_of(1, CREDENTIAL) + field_of(2, CONSUMER[0]))


def test_a_caller_without_a_consumer_has_a_credential() -> None:
    """Kong refuses to authenticate nobody."""
    assert told(Authenticate(None, CREDENTIAL)) == [
        ("kong.client.authenticate", field_of(2, field_of(1, CREDENTIAL)))
    ]


def test_texts_and_lists_are_shared() -> None:
    for value, seen in ((b"t", b"t"), ((b"a", b"b"), [b"a", b"b"]), ((), [])):
        ((function, args),) = told(Share(b"key", value))
        assert function == "kong.ctx.shared.set"
        found = dict(members(args))
        assert found[1] == b"key"
        assert isinstance(found[2], bytes)
        assert value_of(found[2]) == seen


def test_the_marker_says_which_request_was_let_through() -> None:
    ((function, args),) = calls_in(frames_in(encode_marker("r-1")))
    assert function == "kong.ctx.shared.set"
    assert args == b"\x0a\x08gatepass\x12\x08\x1a\x06v1:r-1"


@pytest.mark.parametrize("size", [1, 32, 108, 109, 125, 200, 20_000])
def test_the_marker_holds_an_id_of_any_length(size: int) -> None:
    ((_, args),) = calls_in(frames_in(encode_marker("r" * size)))
    value = dict(members(args))[2]
    assert isinstance(value, bytes)
    assert value_of(value) == b"v1:" + b"r" * size


def test_an_exit_is_one_call_and_nothing_behind_it() -> None:
    ending = Exit(503, ((b"content-type", b"application/json"),), b"{}")
    assert exit_in(frames_in(encode_exit(ending))) == (
        503,
        b"{}",
        {b"content-type": b"application/json"},
    )


def test_remembering_what_was_encoded_confuses_no_two_commands() -> None:
    """They are tuples, and tuples of different kinds can be equal."""
    commands: list[Command] = [
        ClearHeader(b"n"),
        SetHeaders(((b"n", b"v"),)),
        Share(b"n", b"v"),
        Share(b"n", (b"v",)),
        Authenticate(None, b"v"),
        Authenticate((b"n", b"v"), b"v"),
    ]
    assert len({encode_commands((command,)) for command in commands}) == len(commands)
    assert all(one != other for one, other in pairwise(commands))


@pytest.mark.parametrize(
    ("kind", "message", "answer"),
    [
        (Kind.TEXT, b"", b""),
        (Kind.TEXT, field_of(1, b""), b""),
        (Kind.TEXT, field_of(1, b"/v1"), b"/v1"),
        (Kind.TEXT, field_of(1, b"\xff\xfe"), b"\xff\xfe"),
        (Kind.TEXT, field_of(1, b"x" * 126), b"x" * 126),
        (Kind.TEXT, field_of(1, b"x" * 127), b"x" * 127),
        (Kind.TEXT, field_of(1, b"x" * 128), b"x" * 128),
        (Kind.TEXT, field_of(1, b"x" * 5000), b"x" * 5000),
        (Kind.TEXT, field_of(9, 1) + field_of(1, b"y"), b"y"),
        (Kind.TEXT, field_of(1, b"x") + field_of(1, b"y"), b"y"),
        (Kind.NUMBER, b"", 0),
        (Kind.NUMBER, field_of(1, 200), 200),
        (Kind.NUMBER, field_of(2, b"?") + field_of(1, 200), 200),
        (Kind.HEADERS, header_map([(b"a", b"1"), (b"a", b"2")]), [(b"a", b"1"), (b"a", b"2")]),
        (Kind.BODY, b"\x0a\x00", b""),
        (Kind.BODY, field_of(1, b"\xff{"), b"\xff{"),
        (Kind.BODY, field_of(2, b"/spool/1"), SpooledBody(b"/spool/1")),
        (Kind.SHARED, b"", None),
        (Kind.SHARED, b"\x08\x01", None),  # how Kong writes what was never set
        (Kind.SHARED, b"\x20\x01", None),
        (Kind.SHARED, b"\x11" + bytes(8), None),
        (Kind.SHARED, field_of(6, b""), None),
        (Kind.SHARED, field_of(3, b""), b""),
        (Kind.SHARED, field_of(3, b"v1:\xff"), b"v1:\xff"),
    ],
)
def test_what_an_answer_says(kind: Kind, message: bytes, answer: object) -> None:
    assert read(kind, message) == answer


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        *((kind, b"\x80") for kind in Kind),
        *((kind, b"\x0a\x05x") for kind in Kind),
        *((kind, b"\x0a") for kind in Kind),
        (Kind.TEXT, field_of(1, 5)),
        (Kind.TEXT, b"\x0a\x01"),
        (Kind.NUMBER, field_of(1, b"5")),
        (Kind.HEADERS, field_of(1, 5)),
        (Kind.BODY, field_of(1, 5)),
        (Kind.BODY, field_of(2, 5)),
        (Kind.SHARED, field_of(3, 5)),
    ],
)
def test_an_answer_that_cannot_be_read_is_malformed(kind: Kind, message: bytes) -> None:
    with pytest.raises(Malformed):
        read(kind, message)


@pytest.mark.parametrize("message", [b"", field_of(3, b"no body file"), field_of(9, b"")])
def test_sec_58_a_body_that_kong_could_not_read_is_not_an_empty_body(message: bytes) -> None:
    with pytest.raises(Malformed):
        read(Kind.BODY, message)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_nothing_is_ever_said_with_a_null_or_a_false(reason: Reason) -> None:
    """Kong makes the text NULL_VALUE of a null, and skips a false (so the client's value stays)."""
    ending = Exit(reason.status, ((b"retry-after", b"1"), (b"x-empty", b"")), error_body(reason))
    status, body, headers = exit_in(frames_in(encode_exit(ending)))
    assert (status, body) == (reason.status, error_body(reason))
    assert all(isinstance(value, bytes) for value in headers.values())
    set_headers = encode_commands((SetHeaders(ending.headers),))
    ((_, args),) = calls_in(frames_in(set_headers))
    assert all(isinstance(value, bytes) for value in struct_of(args).values())
