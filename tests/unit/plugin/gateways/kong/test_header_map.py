"""The header map of a request: Kong's own bytes, and every other way to write the same."""

import pytest

from gatepass.plugin.gateways.kong import header_map
from gatepass.plugin.gateways.kong.header_map import read_headers
from gatepass.plugin.gateways.kong.protobuf import Malformed
from gatepass.plugin.headers import Header
from support.kong_wire import field_of
from support.kong_wire import header_map as kong_map

# entries as Kong 3.9 wrote them
COMMA = "0a110a07782d636f6d6d6112061a04612c2062"
REPEATED = "0a280a05782d647570121f321d0a051a036f6e650a051a0374776f0a0d1a0b74687265652c20666f7572"
EMPTY = "0a100a0a782d656d7074792d696e12021a00"
NOT_UTF_8 = "0a0e0a05782d62616412051a03fffe80"


@pytest.mark.parametrize(
    ("written", "headers"),
    [
        ("", []),
        (COMMA, [(b"x-comma", b"a, b")]),
        (EMPTY, [(b"x-empty-in", b"")]),
        (REPEATED, [(b"x-dup", b"one"), (b"x-dup", b"two"), (b"x-dup", b"three, four")]),
        (
            COMMA + REPEATED + EMPTY,
            [
                (b"x-comma", b"a, b"),
                (b"x-dup", b"one"),
                (b"x-dup", b"two"),
                (b"x-dup", b"three, four"),
                (b"x-empty-in", b""),
            ],
        ),
    ],
)
def test_what_kong_writes(written: str, headers: list[Header]) -> None:
    assert read_headers(bytes.fromhex(written)) == headers


def test_sec_43_a_header_that_is_not_utf_8_is_read_as_bytes() -> None:
    assert read_headers(bytes.fromhex(NOT_UTF_8)) == [(b"x-bad", b"\xff\xfe\x80")]


SIZES = (0, 1, 126, 127, 128, 129, 16_370, 16_383, 16_384, 16_400, 70_000)


@pytest.mark.parametrize("size", SIZES)
def test_every_length_is_read(size: int) -> None:
    headers = [(b"a", b"v" * size), (b"b", b"w")]
    assert read_headers(kong_map(headers)) == headers


@pytest.mark.parametrize("size", [1, 127, 128, 16_384])
def test_every_length_of_a_name_is_read(size: int) -> None:
    headers = [(b"n" * size, b"v"), (b"b", b"w")]
    assert read_headers(kong_map(headers)) == headers


def test_the_usual_way_is_read_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_message: bytes, _at: int, _headers: list[Header]) -> int:
        raise AssertionError("the slow reading")

    monkeypatch.setattr(header_map, "_read_any", never)
    headers = [(b"h%d" % size, b"v" * size) for size in (0, 100, 127, 128, 4096, 16_000)]
    assert read_headers(kong_map(headers)) == headers


def test_the_members_of_an_entry_may_come_in_any_order() -> None:
    text = field_of(3, b"v")
    swapped = field_of(1, field_of(2, text) + field_of(1, b"n"))
    with_unknown = field_of(1, field_of(9, b"?") + field_of(1, b"n") + field_of(2, text))
    assert read_headers(swapped + with_unknown) == [(b"n", b"v"), (b"n", b"v")]


def test_lengths_longer_than_they_need_be_are_read() -> None:
    assert read_headers(b"\x0a\x8a\x00\x0a\x01n\x12\x84\x00\x1a\x81\x00v") == [(b"n", b"v")]
    assert read_headers(b"\x0a\x8b\x80\x00\x0a\x81\x00n\x12\x84\x00\x1a\x81\x00v") == [(b"n", b"v")]


@pytest.mark.parametrize(
    "value",
    [
        field_of(1, 0),  # a null
        field_of(4, 1),  # a boolean
        field_of(5, b""),  # a map
        field_of(6, field_of(1, field_of(4, 0))),
        field_of(3, 5),
        b"\x1a\x05v",
        b"\x08",
    ],
)
def test_a_value_that_is_no_text_is_malformed(value: bytes) -> None:
    with pytest.raises(Malformed):
        read_headers(field_of(1, field_of(1, b"n") + field_of(2, value)))


@pytest.mark.parametrize("value", [b"", b"\x11" + bytes(8), field_of(6, b"")])
def test_sec_44_a_header_whose_value_cannot_be_read_does_not_vanish(value: bytes) -> None:
    """Whatever is not in the list is not cleared."""
    try:
        headers = read_headers(field_of(1, field_of(1, b"x-gatepass-user") + field_of(2, value)))
    except Malformed:
        return
    assert [name for name, _ in headers] == [b"x-gatepass-user"]


@pytest.mark.parametrize(
    "hostile",
    [
        field_of(1, 5),
        b"\x0a\x05\x0a",
        field_of(1, b"\x0b"),
        pytest.param(
            b"\x0d" + bytes(4),
        ),
    ],
)
def test_an_entry_that_is_no_message_is_malformed(hostile: bytes) -> None:
    with pytest.raises(Malformed):
        read_headers(hostile)


def test_lists_in_lists_beyond_measure_are_malformed() -> None:
    value = field_of(3, b"v")
    for _ in range(2000):
        value = field_of(6, field_of(1, value))
    with pytest.raises(Malformed):
        read_headers(field_of(1, field_of(1, b"n") + field_of(2, value)))
