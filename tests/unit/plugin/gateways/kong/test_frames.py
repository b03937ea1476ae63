"""A stream cut into frames: however it is cut, whatever is too large, and at what cost."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from gatepass.plugin.gateways.frames import FramedProtocol
from gatepass.plugin.gateways.kong.protobuf import frame


class Heard(FramedProtocol):
    """Notes frames, and None for one that is too large."""

    def __init__(self, limit: int = 1000, deaf_after: bytes | None = None) -> None:
        super().__init__()
        self.limit = limit
        self.deaf_after = deaf_after
        self.heard: list[bytes | None] = []

    def frames_received(self, messages: list[bytes]) -> None:
        assert not self.deaf
        assert messages
        for message in messages:
            if not self.deaf:
                self.heard.append(message)
            if message == self.deaf_after:
                self.deaf = True

    def frame_too_large(self) -> None:
        self.heard.append(None)


MESSAGES = [b"", b"a", b"", b"bc" * 3, b"d" * 11]
STREAM = b"".join(frame(message) for message in MESSAGES)


@pytest.mark.parametrize("cut", range(len(STREAM) + 1))
def test_cut_at_every_boundary(cut: int) -> None:
    heard = Heard()
    heard.data_received(STREAM[:cut])
    heard.data_received(STREAM[cut:])
    assert heard.heard == MESSAGES


@pytest.mark.parametrize("size", range(1, 12))
def test_cut_into_pieces(size: int) -> None:
    heard = Heard()
    for at in range(0, len(STREAM), size):
        heard.data_received(STREAM[at : at + size])
    assert heard.heard == MESSAGES


def test_a_frame_is_announced_as_soon_as_it_is_whole() -> None:
    heard = Heard()
    for number, octet in enumerate(STREAM, 1):
        heard.data_received(bytes((octet,)))
        whole, at = 0, 0
        for message in MESSAGES:
            at += 4 + len(message)
            whole += at <= number
        assert len(heard.heard) == whole


def test_the_limit_itself_is_not_too_large() -> None:
    heard = Heard(limit=10)
    heard.data_received(frame(b"x" * 10) + frame(b"y" * 11) + frame(b"z"))
    assert heard.heard == [b"x" * 10, None, b"z"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 13, 64])
def test_a_frame_above_the_limit_is_announced_once_and_never_kept(size: int) -> None:
    stream = frame(b"a") + frame(b"x" * 500) + frame(b"b") + frame(b"y" * 21) + frame(b"")
    heard = Heard(limit=20)
    for at in range(0, len(stream), size):
        heard.data_received(stream[at : at + size])
        assert sum(map(len, heard._kept)) <= 24 + size
    assert heard.heard == [b"a", None, b"b", None, b""]


def test_four_gibibytes_are_announced_at_once_and_dropped() -> None:
    heard = Heard()
    heard.data_received(b"\xff\xff\xff\xff" + b"x" * 5000)
    assert heard.heard == [None]
    for _ in range(100):
        heard.data_received(b"x" * 5000)
    assert heard.heard == [None]
    assert heard._kept == []


def test_nothing_is_heard_after_deafness() -> None:
    heard = Heard(deaf_after=b"bc" * 3)
    heard.data_received(STREAM)
    heard.data_received(STREAM)
    assert heard.heard == MESSAGES[:4]


def test_deafness_in_the_middle_of_a_frame_keeps_no_more_than_the_frame() -> None:
    heard = Heard()
    heard.data_received(frame(b"x" * 900)[:500])
    heard.deaf = True
    for _ in range(100):
        heard.data_received(b"y" * 500)
        assert sum(map(len, heard._kept)) <= 904
    assert heard.heard == []
    assert heard._kept == []


@pytest.mark.parametrize("rest", [b"", b"\x05", b"\x05\0\0\0no"])
def test_sec_41_who_is_not_listened_to_any_more_fills_no_memory(rest: bytes) -> None:
    heard = Heard(deaf_after=b"end")
    heard.data_received(frame(b"end") + rest)
    for _ in range(100):
        heard.data_received(rest)
        assert heard._kept == []
    assert heard.heard == [b"end"]


class Counted(bytes):
    """Bytes that say how many of them were copied by being cut or joined."""

    copied = 0

    def __getitem__(self, key: object) -> "Counted":  # type: ignore[override]
        part = Counted(bytes(self)[key])  # type: ignore[call-overload]
        Counted.copied += len(part)
        return part


@contextmanager
def counted_joins() -> Iterator[list[object]]:
    """Note every call of a `join` in the block."""
    joins: list[object] = []

    def note(_frame: FrameType, event: str, function: object) -> None:
        if event == "c_call" and getattr(function, "__name__", "") == "join":
            joins.append(function)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield joins
    finally:
        sys.setprofile(before)


@pytest.mark.parametrize("size", [1, 100, 4096])
@pytest.mark.parametrize("first", [0, 20, 150])
def test_a_long_frame_in_many_pieces_is_joined_once(size: int, first: int) -> None:
    """Joining at every read would take a time that grows with the square of the length."""
    begun = frame(b"f" * first) + frame(b"x" * 100_000)[:4]
    rest = b"x" * 100_000
    heard = Heard(limit=10**6)
    with counted_joins() as joins:
        heard.data_received(begun)
        for at in range(0, len(rest), size):
            heard.data_received(rest[at : at + size])
    assert heard.heard == [b"f" * first, rest]
    assert len(joins) == 1


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_length_in_pieces_is_joined_once(size: int) -> None:
    stream = frame(b"x" * 50)
    heard = Heard()
    with counted_joins() as joins:
        for at in range(0, 4, size):
            heard.data_received(stream[at : min(at + size, 4)])
        heard.data_received(stream[4:])
    assert heard.heard == [b"x" * 50]
    assert len(joins) == 2


def test_many_frames_in_one_read_are_not_copied_again_and_again() -> None:
    Counted.copied = 0
    stream = Counted(frame(b"x" * 10) * 2000 + b"\x05")
    heard = Heard()
    heard.data_received(stream)
    assert len(heard.heard) == 2000
    assert Counted.copied <= len(stream)


def test_what_a_frame_is_for_may_change_the_limit_of_the_next() -> None:
    class Growing(Heard):
        def frames_received(self, messages: list[bytes]) -> None:
            super().frames_received(messages)
            self.limit = 100

    heard = Growing(limit=5)
    heard.data_received(frame(b"x"))
    heard.data_received(frame(b"y" * 100) + frame(b"z" * 101))
    assert heard.heard == [b"x", b"y" * 100, None]


def test_a_subclass_says_what_is_done() -> None:
    with pytest.raises(NotImplementedError):
        FramedProtocol().data_received(frame(b"x"))
    with pytest.raises(NotImplementedError):
        FramedProtocol().data_received(b"\xff\xff\xff\xff")
