"""The wire format of Kong's ProtoBuf:1, written and read without the server's own codec.

So a mistake of that codec cannot hide itself.
"""

import sys
from collections.abc import Sequence

from gatepass.plugin.gateways.kong.instances import instance_id
from gatepass.plugin.headers import Header

DEFAULT = instance_id("default")


def varint(value: int) -> bytes:
    head, rest = value & 0x7F, value >> 7
    return bytes([head | 0x80]) + varint(rest) if rest else bytes([head])


def field_of(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def length(size: int) -> bytes:
    """Return the beginning of a frame of so many bytes."""
    return size.to_bytes(4, sys.byteorder)


def framed(*messages: bytes) -> bytes:
    return b"".join(length(len(message)) + message for message in messages)


def frames_in(written: bytes) -> list[bytes]:
    frames = []
    while written:
        size = int.from_bytes(written[:4], sys.byteorder)
        assert len(written) >= 4 + size
        frames.append(written[4 : 4 + size])
        written = written[4 + size :]
    return frames


def _number(message: bytes, at: int) -> tuple[int, int]:
    stop = at
    while message[stop] & 0x80:
        stop += 1
    return sum((octet & 0x7F) << 7 * i for i, octet in enumerate(message[at : stop + 1])), stop + 1


def members(message: bytes) -> list[tuple[int, int | bytes]]:
    """Return the fields of a message by their numbers, in their order."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        value, at = _number(message, at)
        if key & 7 == 2:
            found.append((key >> 3, message[at : at + value]))
            at += value
        else:
            assert key & 7 == 0
            found.append((key >> 3, value))
    assert at == len(message)
    return found


def value_of(message: bytes) -> object:
    """Read a google.protobuf.Value; None is its null."""
    ((kind, content),) = members(message)
    if isinstance(content, int):
        assert kind in {1, 4}
        return None if kind == 1 else bool(content)
    if kind == 3:
        return content
    if kind == 5:
        return struct_of(content)
    assert kind == 6
    return [value_of(item) for _, item in members(content) if isinstance(item, bytes)]


def struct_of(message: bytes) -> dict[bytes, object]:
    entries = [dict(members(entry)) for _, entry in members(message) if isinstance(entry, bytes)]
    found = {str(entry[1]): entry for entry in entries}
    assert len(found) == len(entries), "one name twice"
    return {_octets(entry[1]): value_of(_octets(entry[2])) for entry in entries}


def _octets(value: int | bytes) -> bytes:
    assert isinstance(value, bytes)
    return value


def calls_in(frames: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """Return the functions that frames call, with their arguments."""
    assert len(frames) % 2 == 0
    return [(name.decode(), args) for name, args in zip(frames[::2], frames[1::2], strict=True)]


def exit_in(frames: Sequence[bytes]) -> tuple[int, bytes, dict[bytes, object]]:
    """Return status, body and headers of frames that are one kong.response.exit and no more."""
    ((function, args),) = calls_in(frames)
    assert function == "kong.response.exit"
    found = dict(members(args))
    assert isinstance(found[1], int)
    return found[1], _octets(found[2]), struct_of(_octets(found[3]))


def header_map(headers: Sequence[Header]) -> bytes:
    """Write headers as Kong does: a name that came more than once has a list."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    return b"".join(
        field_of(1, field_of(1, name) + field_of(2, _value(lines)))
        for name, lines in values.items()
    )


def _value(lines: Sequence[bytes]) -> bytes:
    if len(lines) == 1:
        return field_of(3, lines[0])
    return field_of(6, b"".join(field_of(1, field_of(3, line)) for line in lines))


def text(content: bytes) -> bytes:
    return field_of(1, content) if content else b""


def head(
    headers: Sequence[Header] = (),
    method: bytes = b"GET",
    target: bytes = b"/v1/models",
    request_id: bytes = b"r-1",
) -> tuple[bytes, ...]:
    """Return Kong's answers to everything that is asked before the body."""
    path = target.partition(b"?")[0]
    texts = (text(part) for part in (method, target, path, request_id, b"192.0.2.7"))
    return (header_map(headers), *texts)


def event(phase: bytes = b"access", instance: int = DEFAULT, sequence: int = 7) -> bytes:
    """Return the call that begins an event."""
    call = field_of(1, instance) + field_of(2, phase)
    return field_of(36, call) + field_of(1, sequence)
