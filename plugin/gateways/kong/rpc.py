"""The calls that Kong makes over a connection, and what they return, in Protocol Buffers.

Kong 3.9 makes three of them: it starts an instance, closes one, and has an event handled. The
others of the protocol are answered too, because a call without an answer is a connection closed.
"""

import time
from functools import lru_cache
from typing import NamedTuple

from gatepass.plugin.gateways.kong.marker import PLUGIN_NAME
from gatepass.plugin.gateways.kong.protobuf import (
    Malformed,
    Value,
    bytes_field,
    fields,
    number,
    octets,
    varint_field,
)

_SEQUENCE = 1
_GET_NAMES = 31
_GET_INFO = 32
_START = 33
_STATUS = 34
_EVENT = 36
_64_BITS = 2**64 - 1
_NAME = PLUGIN_NAME.encode()


class StartInstance(NamedTuple):
    """Kong has a configuration, as JSON text, and wants an id for it."""

    config: bytes


class HandleEvent(NamedTuple):
    """A request is in a phase; what follows on the connection belongs to it until it ends."""

    instance_id: int
    phase: bytes


class Information(NamedTuple):
    """Any other call; `answer` is the field of the return message that answers it."""

    answer: bytes


Call = StartInstance | HandleEvent | Information


def read_call(message: bytes) -> tuple[int, Call]:
    """Return the sequence number of a call and the call.

    Raises:
        Malformed: it is no call at all.

    """
    sequence, call = 0, None
    for name, value in fields(message):
        if name == _SEQUENCE:
            sequence = number(value)
        elif _GET_NAMES <= name <= _EVENT:
            call = _call(name, octets(value))
    if call is None:
        raise Malformed
    return sequence, call


@lru_cache(maxsize=1024)
def _call(name: int, message: bytes) -> Call:
    members = dict(fields(message))
    if name == _EVENT:
        return HandleEvent(_signed(members.get(1, 0)), octets(members.get(2, b"")))
    if name == _START:
        return StartInstance(octets(members.get(2, b"")))
    if name == _STATUS:
        return Information(bytes_field(33, instance_status(_signed(members.get(1, 0)))))
    if name == _GET_NAMES:
        return Information(bytes_field(31, bytes_field(1, _NAME)))
    if name == _GET_INFO:
        return Information(bytes_field(32, bytes_field(1, _NAME)))
    return Information(b"")  # CloseInstance: nothing was kept for it


def instance_status(instance_id: int) -> bytes:
    """Return the status of an instance, which is what starting one returns."""
    status = bytes_field(1, _NAME) + varint_field(2, instance_id & _64_BITS)
    return status + varint_field(4, int(time.time()))


def returned(sequence: int, answer: bytes = b"") -> bytes:
    """Return the message that ends a call."""
    return varint_field(_SEQUENCE, sequence) + answer


def returned_instance(sequence: int, instance_id: int) -> bytes:
    """Return the answer to StartInstance."""
    return returned(sequence, bytes_field(33, instance_status(instance_id)))


def _signed(value: Value) -> int:
    """Return an int32, which is written in 64 bits when it is negative."""
    unsigned = number(value)
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned
