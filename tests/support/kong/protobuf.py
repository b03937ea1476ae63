"""ProtoBuf:1 as Kong speaks it: one call at a time on a connection, frames in two sends each."""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

from support.kong.connection import Connection, Pool
from support.kong.errors import CallFailed, LuaError
from support.kong.octets import Undecodable, octets_text
from support.kong.schema import MESSAGES, METHODS
from support.kong.values import from_lua, struct_to_lua, to_lua
from support.kong.wire import LENGTH, decode, decode_message, encode

RunPdk = Callable[[str, list[object]], object]
_ZERO: Mapping[str, object] = {
    "int32": 0,
    "int64": 0,
    "bool": False,
    "double": 0.0,
    "string": "",
    "bytes": b"",
}


class ProtoBufRpc:
    """Kong's caller; calls are numbered from 2 on."""

    fails_open = False

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._sequences = itertools.count(2)

    def start_instance(self, name: str, config: bytes) -> int:
        """Start an instance and return its id. Raises CallFailed, LuaError."""
        answer = self._call("cmd_start_instance", {"name": name, "config": config}, None)
        status = answer.get("instance_status")
        if not isinstance(status, dict):
            raise LuaError("attempt to index field 'instance_status' (a nil value)")
        number: int = status.get("instance_id", 0)
        return number

    def close_instance(self, number: int) -> None:
        """Close an instance. Raises CallFailed, LuaError."""
        self._call("cmd_close_instance", {"instance_id": number}, None)

    def handle_event(self, number: int, phase: str, pdk: RunPdk) -> None:
        """Run one event to its end. Raises CallFailed, LuaError and what `pdk` raises."""
        self._call("cmd_handle_event", {"instance_id": number, "event_name": phase}, pdk)

    @staticmethod
    def retries(error: str) -> bool:
        """Tell whether Kong resets the instances after this error and does it all again."""
        return "no plugin instance" in error.lower() or "closed" in error.lower()

    def _call(
        self, command: str, content: Mapping[str, object], pdk: RunPdk | None
    ) -> dict[str, object]:
        sequence = next(self._sequences)
        connection = self._pool.take()
        try:
            call: dict[str, object] = {"sequence": sequence, command: content}
            connection.note("kong", {"frame": "RpcCall", **call})
            _send(connection, encode("RpcCall", call))
            if pdk is not None:
                _bridge(connection, pdk)
            octets = _receive(connection)
        except BaseException:
            connection.close()
            raise
        answer = _rpc_return(connection, octets)
        self._pool.give_back(connection)
        if answer is None or answer.get("sequence", 0) != sequence:
            raise LuaError("assertion failed!")
        return answer


def _send(connection: Connection, payload: bytes) -> None:
    connection.send(LENGTH.pack(len(payload)))
    connection.send(payload)


def _receive(connection: Connection) -> bytes:
    (length,) = LENGTH.unpack(connection.receive(LENGTH.size))
    return connection.receive(length)


def _rpc_return(connection: Connection, octets: bytes) -> dict[str, object] | None:
    try:
        answer = decode_message("RpcReturn", octets)
    except Undecodable:
        return None
    connection.note("plugin", {"frame": "RpcReturn", **answer})
    return answer


def _bridge(connection: Connection, pdk: RunPdk) -> None:
    """Run the methods that the server names, until it names none."""
    while method := octets_text(_receive(connection)):
        connection.note("plugin", {"frame": "method", "method": method})
        octets = _receive(connection)
        if method not in METHODS:
            raise CallFailed(f'method "{method}" not found')
        takes, gives = METHODS[method]
        try:
            message = decode(takes, octets)
        except Undecodable as error:
            raise LuaError("assertion failed!") from error
        shown = {"of": method, "message": takes, "value": message if octets else None}
        connection.note("plugin", {"frame": "args", **shown})
        result = pdk(method, _arguments(takes, message))
        reply = _reply(gives, result)
        if connection.is_noted:
            shown = {"to": method, "message": gives, "value": decode(gives, reply)}
            connection.note("kong", {"frame": "reply", **shown})
        _send(connection, reply)
    connection.note("plugin", {"frame": "end_of_event (empty method name)"})


def _arguments(takes: str, message: object) -> list[object]:
    """Return what the method is called with; absent scalars are zero, absent messages nil."""
    if isinstance(message, list):
        values = to_lua(message)
        return values if isinstance(values, list) else []
    assert isinstance(message, dict)
    if takes == "Struct":
        return [struct_to_lua(message)]
    arguments: list[object] = []
    for key, field in MESSAGES[takes].items():
        value = message.get(key, _ZERO.get(field.kind))
        match field.kind:
            case "Value":
                value = to_lua(value)
            case "Struct" if isinstance(value, dict):
                value = struct_to_lua(value)
            case "Consumer" | "AuthenticatedCredential" if isinstance(value, dict):
                value = _filled(field.kind, value)
        arguments.append(value)
    return arguments


def _filled(name: str, message: Mapping[str, object]) -> dict[str, object]:
    empty: dict[str, object] = {
        key: [] if field.repeated else _ZERO[field.kind] for key, field in MESSAGES[name].items()
    }
    return {**empty, **message}


def _reply(gives: str, result: object) -> bytes:
    """Return the reply message for what a method gave. Raises LuaError for what does not fit."""
    match gives:
        case "Empty":
            return b""
        case "Value":
            return encode(gives, from_lua(result))
        case "RawBodyResult":
            if isinstance(result, Path):
                return encode(gives, {"body_filepath": str(result)})
            return encode(gives, {"content": result})
        case "Bool" | "Int" | "Number" | "String" | "ByteString":
            message: object = {} if result is None else {"v": _fitting(gives, result)}
        case "Struct" if isinstance(result, dict):
            message = from_lua(result)
        case _:
            message = result if isinstance(result, dict) else {}
    return encode(gives, message)


def _fitting(gives: str, result: object) -> object:
    if gives == "String" and not isinstance(result, str):
        raise LuaError("bad argument: string expected")
    return result
