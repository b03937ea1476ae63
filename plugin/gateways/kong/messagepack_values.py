"""Kong's plugin development kit in MessagePack: functions out, their results in.

Everything is bytes on the way in. A text that is nil is absent, which reads as empty. Arguments are
in the order in which Kong documents them, a nil among them where Kong's function takes one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from gatepass.plugin.gateways.kong.calls import (
    Authenticate,
    ClearHeader,
    Command,
    Exit,
    Kind,
    Proceed,
    Question,
    SetHeaders,
    Share,
)
from gatepass.plugin.gateways.kong.marker import MARKER, MARKER_PREFIX
from gatepass.plugin.headers import Header

END = "ret"
"""What ends an event after which Kong goes on."""


class BadValue(Exception):
    """Kong's function returned what it never returns."""


class Function(NamedTuple):
    """A function for Kong to run; the names are the protocol's."""

    Method: str
    Args: list[object]


def to_question(question: Question, max_body_bytes: int) -> Function:
    """Return a question; the body is asked for up to a limit, above which Kong itself refuses."""
    if question.kind is Kind.BODY:
        return Function(question.function, [max_body_bytes])
    return Function(question.function, [] if question.argument is None else [question.argument])


def to_functions(ending: Proceed) -> list[Function]:
    """Return what is to be run before Kong goes on."""
    functions = [_command(command) for command in ending.commands]
    if ending.request_id is not None:
        marker = MARKER_PREFIX + ending.request_id
        functions.append(Function("kong.ctx.shared.set", [MARKER, marker]))
    return functions


def to_exit_function(ending: Exit) -> Function:
    """Return the function that answers the client, and ends the event."""
    return Function("kong.response.exit", [ending.status, ending.body, dict(ending.headers)])


def _command(command: Command) -> Function:
    match command:
        case ClearHeader(name):
            return Function("kong.service.request.clear_header", [name])
        case SetHeaders(headers):
            return Function("kong.service.request.set_headers", [dict(headers)])
        case Authenticate(consumer, credential_id):
            return Function("kong.client.authenticate", _authentication(consumer, credential_id))
        case Share(key, value):
            shared = value if isinstance(value, bytes) else list(value)
            return Function("kong.ctx.shared.set", [key, shared])


def _authentication(consumer: tuple[bytes, bytes] | None, credential_id: bytes) -> list[object]:
    if consumer is None:
        return [None, {"id": credential_id}]
    consumer_id, name = consumer
    return [
        {"id": consumer_id, "username": name, "custom_id": name},
        {"id": credential_id, "consumer_id": consumer_id},
    ]


def read_answer(kind: Kind, value: object) -> Any:  # noqa: ANN401 - Kind says which type
    """Return an answer, of the type that its kind says.

    Raises:
        BadValue: it is of another type.

    """
    return _READERS[kind](value)


def _text(value: object) -> bytes:
    if value is None:
        return b""
    if type(value) is not bytes:
        raise BadValue
    return value


def _body(value: object) -> bytes:
    if type(value) is not bytes:  # nil is no empty body: the body is somewhere else
        raise BadValue
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise BadValue
    return value


def _shared(value: object) -> bytes | None:
    return value if type(value) is bytes else None


def _headers(value: object) -> list[Header]:
    if value == []:  # an empty table of Lua's
        return []
    if not isinstance(value, dict):
        raise BadValue
    return [(_body(name), _body(line)) for name, lines in value.items() for line in _lines(lines)]


def _lines(value: object) -> list[object]:
    if value == []:  # a name without a line would not be seen, and so not be cleared
        raise BadValue
    return value if isinstance(value, list) else [value]


_READERS: dict[Kind, Callable[[object], Any]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.HEADERS: _headers,
    Kind.BODY: _body,
    Kind.SHARED: _shared,
}
