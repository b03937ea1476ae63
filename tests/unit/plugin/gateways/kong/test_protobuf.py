"""The wire format: golden bytes from the specification's own rules, and what is refused."""

import sys

import pytest

from gatepass.plugin.gateways.frames import native_length
from gatepass.plugin.gateways.kong.protobuf import (
    Malformed,
    bytes_field,
    fields,
    frame,
    number,
    octets,
    read_varint,
    varint,
    varint_field,
)


@pytest.mark.parametrize(
    ("value", "octets_"),
    [
        (0, "00"),
        (1, "01"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (16_383, "ff7f"),
        (16_384, "808001"),
        (2**31 - 1, "ffffffff07"),
        (2**63, "80808080808080808001"),
        (2**64 - 1, "ffffffffffffffffff01"),
    ],
)
def test_a_number_is_written_in_seven_bits_a_byte(value: int, octets_: str) -> None:
    written = bytes.fromhex(octets_)
    assert varint(value) == written
    assert read_varint(b"\xff" + written + b"\xff", 1) == (value, 1 + len(written))


def test_a_number_longer_than_it_need_be_is_read() -> None:
    assert read_varint(b"\x80\x80\x00", 0) == (0, 3)


@pytest.mark.parametrize(
    "hostile", [b"", b"\x80", b"\xff" * 9, b"\x80" * 10 + b"\x00", b"\xff" * 1000]
)
def test_a_number_without_an_end_is_malformed(hostile: bytes) -> None:
    with pytest.raises(Malformed):
        read_varint(hostile, 0)


def test_fields_are_read_in_any_order_and_by_their_own_kind() -> None:
    message = (
        bytes_field(36, b"x")
        + b"\x09"  # field 1, of eight bytes
        + bytes(8)
        + b"\x68\x00"  # field 13, a false that is written out
        + b"\x15"  # field 2, of four bytes
        + bytes(4)
        + varint_field(1, 300)
    )
    assert list(fields(message)) == [
        (36, b"x"),
        (1, None),
        (13, 0),
        (2, None),
        (1, 300),
    ]


def test_sec_43_bytes_that_are_not_utf_8_stay_what_they_are() -> None:
    assert list(fields(bytes_field(3, b"\xff\xfe\x80"))) == [(3, b"\xff\xfe\x80")]


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x0a",  # no length
        b"\x0a\x01",  # a length that leads out
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x",
        b"\x08",  # no number
        b"\x09" + bytes(7),
        b"\x0d" + bytes(3),
        b"\x0b",  # the beginning of a group
        b"\x0c",  # its end
        b"\x0e",  # wire types that do not exist
        b"\x0f",
        b"\x80",
    ],
)
def test_what_leads_out_of_the_message_is_malformed(hostile: bytes) -> None:
    with pytest.raises(Malformed):
        list(fields(hostile))


def test_a_field_of_another_type_is_malformed() -> None:
    assert octets(b"x") == b"x"
    assert number(5) == 5
    with pytest.raises(Malformed):
        octets(5)
    with pytest.raises(Malformed):
        number(b"x")


def test_zero_is_left_out_and_empty_bytes_are_not() -> None:
    assert varint_field(1, 0) == b""
    assert bytes_field(1, b"") == b"\x0a\x00"
    assert bytes_field(36, b"") == b"\xa2\x02\x00"


def test_a_frame_is_a_length_in_the_machines_order_and_the_content() -> None:
    assert frame(b"") == bytes(4)
    written = frame(b"abc")
    assert written[4:] == b"abc"
    assert written[:4] == (b"\x03\0\0\0" if sys.byteorder == "little" else b"\0\0\0\x03")
    assert native_length(b"?" + written, 1) == (3,)
    assert native_length(b"\xff" * 4, 0) == (2**32 - 1,)
