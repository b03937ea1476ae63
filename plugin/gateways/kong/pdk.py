"""Kong's plugin development kit in Protocol Buffers: questions and commands out, answers in.

A call is two frames, the function's name and its arguments' message; message and field numbers are
those of Kong's `pluginsocket.proto` as observed on Kong 3.9. Nothing that is decoded here is taken
for text: names and values stay the client's bytes.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from gatepass.plugin.gateways.kong.calls import (
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
from gatepass.plugin.gateways.kong.header_map import read_headers
from gatepass.plugin.gateways.kong.marker import MARKER, MARKER_PREFIX
from gatepass.plugin.gateways.kong.protobuf import (
    Malformed,
    bytes_field,
    fields,
    frame,
    number,
    octets,
    varint_field,
)
from gatepass.plugin.headers import Header

_EMPTY = frame(b"")
_MARKER_KEY = bytes_field(1, MARKER.encode())
_MARKER_TEXT = MARKER_PREFIX.encode()
_SHARED_SET = frame(b"kong.ctx.shared.set")


@lru_cache(maxsize=256)
def encode_batch(batch: Batch) -> bytes:
    """Return the frames of all questions."""
    return b"".join(_question(question) for question in batch.questions)


Decoder = Callable[[bytes], Any]
"""Reads an answer, of the type that its Kind says; raises Malformed."""


@lru_cache(maxsize=256)
def decoders(batch: Batch) -> tuple[Decoder, ...]:
    """Return how the answers of a batch are read, one by one."""
    return tuple(_DECODERS[question.kind] for question in batch.questions)


@lru_cache(maxsize=4096)
def encode_commands(commands: tuple[Command, ...]) -> bytes:
    """Return the frames of all commands."""
    return b"".join([_command(command) for command in commands])


def encode_marker(request_id: str) -> bytes:
    """Return the frames that put our marker into kong.ctx.shared."""
    value = request_id.encode()
    return _marker_start(len(value)) + value


@lru_cache(maxsize=16)
def _marker_start(length: int) -> bytes:
    """Return what stands before a request id of this length: ours all have the same."""
    text = _MARKER_TEXT + bytes(length)
    message = _MARKER_KEY + bytes_field(2, _text_value(text))
    frames = _SHARED_SET + frame(message)
    return frames[: len(frames) - length]


@lru_cache(maxsize=256)
def encode_exit(ending: Exit) -> bytes:
    """Return the frames of kong.response.exit."""
    message = varint_field(1, ending.status) + bytes_field(2, ending.body)
    return frame(b"kong.response.exit") + frame(message + bytes_field(3, _struct(ending.headers)))


def _question(question: Question) -> bytes:
    function, _, argument = question
    name = frame(function.encode())
    if argument is None:
        return name + _EMPTY
    if isinstance(argument, int):
        return name + frame(varint_field(1, argument))
    return name + frame(bytes_field(1, argument))


def _command(command: Command) -> bytes:
    match command:
        case ClearHeader(name):
            return frame(b"kong.service.request.clear_header") + frame(bytes_field(1, name))
        case SetHeaders(headers):
            return frame(b"kong.service.request.set_headers") + frame(_struct(headers))
        case Authenticate():
            return frame(b"kong.client.authenticate") + frame(_authentication(command))
        case Share(key, value):
            shared = _text_value(value) if isinstance(value, bytes) else _list_value(value)
            return _SHARED_SET + frame(bytes_field(1, key) + bytes_field(2, shared))


def _authentication(command: Authenticate) -> bytes:
    credential = bytes_field(1, command.credential_id)
    if command.consumer is None:
        return bytes_field(2, credential)
    consumer_id, name = command.consumer
    consumer = bytes_field(1, consumer_id) + bytes_field(3, name) + bytes_field(4, name)
    return bytes_field(1, consumer) + bytes_field(2, credential + bytes_field(2, consumer_id))


def _text_value(text: bytes) -> bytes:
    return bytes_field(3, text)


def _list_value(texts: tuple[bytes, ...]) -> bytes:
    return bytes_field(6, b"".join(bytes_field(1, _text_value(text)) for text in texts))


def _struct(headers: tuple[Header, ...]) -> bytes:
    return b"".join(
        bytes_field(1, bytes_field(1, name) + bytes_field(2, _text_value(value)))
        for name, value in headers
    )


def _text(message: bytes) -> bytes:
    size = len(message)
    if not size:
        return b""
    if message[0] == 0x0A and 0 <= size - 2 == message[1] < 0x80:  # noqa: PLR2004 - one field, short
        return message[2:]
    found = b""
    for name, value in fields(message):
        if name == 1:
            found = octets(value)
    return found


def _number(message: bytes) -> int:
    found = 0
    for name, value in fields(message):
        if name == 1:
            found = number(value)
    return found


def _body(message: bytes) -> bytes | SpooledBody:
    found: bytes | SpooledBody | None = None
    for name, value in fields(message):
        if name == 1:
            found = octets(value)
        elif name == 2:  # noqa: PLR2004 - the number of body_filepath
            found = SpooledBody(octets(value))
    if found is None:  # an error of Kong's, or nothing at all
        raise Malformed
    return found


def _shared(message: bytes) -> bytes | None:
    found = None
    for name, value in fields(message):
        found = octets(value) if name == 3 else None  # noqa: PLR2004 - the number of string_value
    return found


_DECODERS: dict[Kind, Decoder] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.HEADERS: read_headers,
    Kind.BODY: _body,
    Kind.SHARED: _shared,
}
