"""Kong's calls as they come over the wire, and what they return."""

import pytest

from gatepass.plugin.gateways.kong.protobuf import Malformed
from gatepass.plugin.gateways.kong.rpc import (
    HandleEvent,
    Information,
    StartInstance,
    read_call,
    returned,
    returned_instance,
)
from support.kong_wire import event, field_of, members, varint

MINUS_FIVE = varint(2**64 - 5)


def test_an_event_is_read_in_any_order_of_its_fields() -> None:
    expected = (7, HandleEvent(42, b"access"))
    assert read_call(event(b"access", 42, 7)) == expected
    backwards = field_of(1, 7) + field_of(36, field_of(2, b"access") + field_of(1, 42))
    assert read_call(backwards) == expected


def test_fields_that_nobody_knows_are_skipped() -> None:
    call = field_of(99, b"?") + field_of(2, 5) + event(b"log", 1, 2) + field_of(37, b"later")
    assert read_call(call) == (2, HandleEvent(1, b"log"))


def test_a_start_carries_the_configuration_as_it_is() -> None:
    config = b'{"profile":"\xff"}'
    call = field_of(33, field_of(1, b"gatepass") + field_of(2, config)) + field_of(1, 3)
    assert read_call(call) == (3, StartInstance(config))


def test_what_is_left_out_is_zero() -> None:
    assert read_call(field_of(36, b"")) == (0, HandleEvent(0, b""))
    assert read_call(field_of(33, b"")) == (0, StartInstance(b""))


def test_a_negative_id_is_read_as_what_it_is() -> None:
    call = field_of(36, b"\x08" + MINUS_FIVE + field_of(2, b"log"))
    assert read_call(call) == (0, HandleEvent(-5, b"log"))


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (field_of(31, b""), field_of(31, field_of(1, b"gatepass"))),
        (field_of(32, field_of(1, b"gatepass")), field_of(32, field_of(1, b"gatepass"))),
        (field_of(35, field_of(1, 42)), b""),
    ],
)
def test_every_other_call_is_answered_too(call: bytes, answer: bytes) -> None:
    assert read_call(field_of(1, 9) + call) == (9, Information(answer))


def test_the_status_of_an_instance() -> None:
    _, call = read_call(field_of(34, field_of(1, 42)))
    assert isinstance(call, Information)
    ((number, status),) = members(call.answer)
    assert number == 33
    assert isinstance(status, bytes)
    assert dict(members(status))[2] == 42


def test_the_status_of_a_negative_instance_is_answered() -> None:
    _, call = read_call(field_of(34, b"\x08" + MINUS_FIVE))
    assert isinstance(call, Information)


@pytest.mark.parametrize(
    "hostile",
    [
        b"",
        field_of(1, 7),  # a number and no call
        field_of(30, b""),
        field_of(37, b""),
        field_of(36, 5),
        field_of(1, b"7") + field_of(36, b""),
        field_of(36, field_of(1, b"42")),
        field_of(36, field_of(2, 5)),
        field_of(36, b"\x08"),
        field_of(33, field_of(2, 5)),
        field_of(34, field_of(1, b"")),
        event()[:-1],
        b"\x16\x03\x01\x02\x00",  # TLS
        b"GET / HTTP/1.1\r\n",
    ],
)
def test_what_is_no_call_is_malformed(hostile: bytes) -> None:
    with pytest.raises(Malformed):
        read_call(hostile)


@pytest.mark.parametrize("sequence", [1, 2, 127, 128, 2**31, 2**63 - 1])
def test_a_return_repeats_the_sequence(sequence: int) -> None:
    assert members(returned(sequence)) == [(1, sequence)]
    assert members(returned(sequence, field_of(31, b"x"))) == [(1, sequence), (31, b"x")]


def test_a_negative_sequence_comes_back_as_it_came() -> None:
    message = b"\x08" + MINUS_FIVE
    sequence, _ = read_call(message + field_of(35, b""))
    assert returned(sequence) == message


def test_the_start_of_an_instance_returns_its_status() -> None:
    """Without the status Kong's claim on the configuration would stay for ever."""
    sequence, (number, status) = members(returned_instance(5, 2**31 - 1))
    assert sequence == (1, 5)
    assert number == 33
    assert isinstance(status, bytes)
    found = dict(members(status))
    assert found[1] == b"gatepass"
    assert found[2] == 2**31 - 1


def test_the_refused_instance_has_a_status_too() -> None:
    (_, (number, status)) = members(returned_instance(5, 0))
    assert number == 33
    assert isinstance(status, bytes)
    assert 2 not in dict(members(status))  # proto3 leaves a 0 out, and Kong reads it so
