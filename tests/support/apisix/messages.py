"""The messages of the ext-plugin protocol, each with its fields in the order of their slots.

Text is bytes throughout. An absent text is None, which is not an empty one; an absent list is an
empty one, and an absent number 0.
"""

import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, TypeVar

from support.apisix.flat import Builder, Child, Scalar, Slot, Table, Unreadable

Entry = tuple[bytes, bytes | None]
Entries = tuple[Entry, ...]
Kind = Literal["u8", "u16", "u32", "id", "text", "octets", "entries", "union"]
"""What a field is; an id is one that APISIX never looks at."""
_SIZES: Mapping[str, int] = {"u8": 1, "u16": 2, "u32": 4, "id": 4}
ERROR, PREPARE, REQUEST, EXTRA, RESPONSE = range(5)
"""The types of a frame; the same in both directions."""
BAD_REQUEST, UNAVAILABLE, TOKEN_NOT_FOUND = range(3)
LARGEST_PAYLOAD = (1 << 24) - 1
METHODS = (
    *("GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS"),
    *("PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "PATCH", "TRACE"),
)


@dataclass(frozen=True)
class Message:
    """A table: what its fields are, and in which order APISIX writes their contents and them."""

    KINDS: ClassVar[tuple[Kind, ...]] = ()
    CHILDREN: ClassVar[tuple[int, ...]] = ()
    ORDER: ClassVar[tuple[int, ...]] = ()
    UNION: ClassVar[Mapping[int, "type[Message]"]] = {}


@dataclass(frozen=True)
class Failure(Message):
    """Err.Resp."""

    KINDS = ("u8",)
    code: int = 0


@dataclass(frozen=True)
class Prepare(Message):
    """PrepareConf.Req."""

    KINDS = ("entries", "text")
    CHILDREN = ORDER = (1, 0)
    conf: Entries = ()
    key: bytes | None = None


@dataclass(frozen=True)
class Prepared(Message):
    """PrepareConf.Resp."""

    KINDS = ("u32",)
    conf_token: int = 0


@dataclass(frozen=True)
class RequestCall(Message):
    """HTTPReqCall.Req."""

    KINDS = ("u32", "octets", "u8", "text", "entries", "entries", "u32")
    CHILDREN = (3, 1, 4, 5, 0, 2, 6)
    ORDER = (0, 6, 1, 3, 4, 5, 2)
    id: int = 0
    src_ip: bytes | None = None
    method: int = 0
    path: bytes | None = None
    args: Entries = ()
    headers: Entries = ()
    conf_token: int = 0


@dataclass(frozen=True)
class Stop(Message):
    KINDS = ("u16", "entries", "octets")
    status: int = 0
    headers: Entries = ()
    body: bytes | None = None


@dataclass(frozen=True)
class Rewrite(Message):
    KINDS = ("text", "entries", "entries", "entries", "octets")
    path: bytes | None = None
    headers: Entries = ()
    args: Entries = ()
    resp_headers: Entries = ()
    body: bytes | None = None


@dataclass(frozen=True)
class RequestAnswer(Message):
    """HTTPReqCall.Resp; action type 1 is Stop, 2 is Rewrite, everything else is no action."""

    KINDS = ("id", "u8", "union")
    UNION: ClassVar = {1: Stop, 2: Rewrite}
    id: int = 0
    action_type: int = 0
    action: Message | None = None


@dataclass(frozen=True)
class Var(Message):
    KINDS = ("text",)
    name: bytes | None = None


@dataclass(frozen=True)
class RequestBody(Message):
    """ExtraInfo.ReqBody."""


@dataclass(frozen=True)
class ResponseBody(Message):
    """ExtraInfo.RespBody."""


@dataclass(frozen=True)
class Question(Message):
    """ExtraInfo.Req."""

    KINDS = ("u8", "union")
    UNION: ClassVar = {1: Var, 2: RequestBody, 3: ResponseBody}
    info_type: int = 0
    info: Message | None = None


@dataclass(frozen=True)
class Extra(Message):
    """ExtraInfo.Resp."""

    KINDS = ("octets",)
    result: bytes | None = None


@dataclass(frozen=True)
class ResponseCall(Message):
    """HTTPRespCall.Req."""

    KINDS = ("u32", "u16", "entries", "u32")
    ORDER = (0, 1, 3, 2)
    id: int = 0
    status: int = 0
    headers: Entries = ()
    conf_token: int = 0


@dataclass(frozen=True)
class ResponseAnswer(Message):
    """HTTPRespCall.Resp."""

    KINDS = ("id", "u16", "entries", "octets")
    id: int = 0
    status: int = 0
    headers: Entries = ()
    body: bytes | None = None


FROM_APISIX: Mapping[int, type[Message]] = {
    PREPARE: Prepare,
    REQUEST: RequestCall,
    EXTRA: Extra,
    RESPONSE: ResponseCall,
}
FROM_RUNNER: Mapping[int, type[Message]] = {
    ERROR: Failure,
    PREPARE: Prepared,
    REQUEST: RequestAnswer,
    EXTRA: Question,
    RESPONSE: ResponseAnswer,
}
AnyMessage = TypeVar("AnyMessage", bound=Message)


def encode(message: Message, *, cuts: bool = False) -> bytes:
    """Return the flatbuffer of a message, byte for byte that of APISIX unless vtables are cut."""
    builder = Builder(cuts=cuts)
    return builder.finish(_write(builder, message))


def frame(kind: int, payload: bytes) -> bytes:
    """Return a frame."""
    return struct.pack(">I", kind << 24 | len(payload)) + payload


def decode(kind: type[AnyMessage], payload: bytes) -> AnyMessage:
    """Read a message. Raises Unreadable."""
    return _read(kind, Table.root(payload))


def _write(builder: Builder, message: Message) -> Child:
    names = [field.name for field in fields(message)]
    slots: list[Slot] = [None] * len(names)
    for number in message.CHILDREN or range(len(names)):
        value = getattr(message, names[number])
        slots[number] = _slot(builder, message.KINDS[number], value)
    return builder.table(slots, message.ORDER or range(len(names)))


def _slot(builder: Builder, kind: Kind, value: object) -> Slot:
    match value:
        case int():
            return Scalar(value, _SIZES[kind])
        case bytes() if kind == "text":
            return builder.string(value)
        case bytes():
            return builder.octets(value)
        case Message():
            return _write(builder, value)
        case tuple():
            return builder.vector([_entry(builder, *entry) for entry in value])
        case _:
            return None


def _entry(builder: Builder, name: bytes, value: bytes | None) -> Child:
    named = builder.string(name)
    return builder.table([named, None if value is None else builder.string(value)], (0, 1))


def _read(kind: type[AnyMessage], table: Table) -> AnyMessage:
    values: dict[str, object] = {}
    for slot, (field, what) in enumerate(zip(fields(kind), kind.KINDS, strict=True)):
        if what == "union":
            member = kind.UNION.get(table.scalar(slot - 1, 1))
            values[field.name] = None if member is None else _read(member, table.table(slot))
        elif what == "entries":
            values[field.name] = tuple(
                (each.octets(0) or b"", each.octets(1)) for each in table.tables(slot)
            )
        elif what == "id":
            with suppress(Unreadable):
                values[field.name] = table.scalar(slot, _SIZES[what])
        elif what in _SIZES:
            values[field.name] = table.scalar(slot, _SIZES[what])
        else:
            values[field.name] = table.octets(slot)
    return kind(**values)
