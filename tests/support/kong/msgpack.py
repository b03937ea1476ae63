"""MsgPack:1 as Kong speaks it: MessagePack-RPC, one request at a time on a connection.

The steps of an event may go over different connections. What fails here fails open: the worker is
told by `fails_open`.
"""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

import msgpack

from support.kong.connection import Connection, Pool
from support.kong.errors import CallFailed, LuaError
from support.kong.pdk import FUNCTIONS

RunPdk = Callable[[str, list[object]], object]
_MULTI_MAPS = frozenset(
    {
        "kong.request.get_query",
        "kong.request.get_headers",
        "kong.response.get_headers",
        "kong.service.response.get_headers",
    }
)
_STEPS: Mapping[str, str] = {
    **dict.fromkeys(_MULTI_MAPS, "StepMultiMap"),
    "kong.router.get_route": "StepRoute",
    "kong.router.get_service": "StepService",
    "kong.client.load_consumer": "StepConsumer",
    "kong.client.get_consumer": "StepConsumer",
    "kong.client.get_credential": "StepCredential",
    "kong.client.authenticate": "StepCredential",
    "kong.node.get_memory_stats": "StepMemoryStats",
}
_EXACT = 2.0**53


class MsgPackRpc:
    """Kong's caller; calls are numbered from 1 on."""

    fails_open = True

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._numbers = itertools.count(1)

    def start_instance(self, name: str, config: bytes) -> int:
        """Start an instance and return its id. Raises CallFailed, LuaError."""
        text = config.decode("utf-8", "surrogateescape")
        status = self._call("plugin.StartInstance", {"Name": name, "Config": text})
        if not isinstance(status, dict):
            raise LuaError("attempt to index local 'status'")
        number: int = status["Id"]
        return number

    def close_instance(self, number: int) -> None:
        """Close an instance. Raises CallFailed, LuaError."""
        self._call("plugin.CloseInstance", number)

    def handle_event(self, number: int, phase: str, pdk: RunPdk) -> None:
        """Run one event to its end. Raises CallFailed, LuaError and what `pdk` raises."""
        answer = self._call("plugin.HandleEvent", {"InstanceId": number, "EventName": phase})
        event = _member(answer, "EventId")
        while (data := _member(answer, "Data")) != "ret":
            method = _member(data, "Method")
            given = _member(data, "Args")
            arguments = [_from_wire(each) for each in given] if isinstance(given, list) else []
            if not isinstance(method, str):
                raise LuaError("attempt to index a nil value")
            result = pdk(method, arguments) if method in FUNCTIONS else None
            step: dict[str, object] = {"EventId": event}
            sent = self._sent(method, arguments, result)
            if sent is not None:
                step["Data"] = sent
            answer = self._call(f"plugin.{_STEPS.get(method, 'Step')}", step)

    @staticmethod
    def retries(error: str) -> bool:
        """Tell whether Kong resets the instances after this error and does it all again."""
        return "no plugin instance" in error.lower()

    def _sent(self, method: str, arguments: list[object], result: object) -> object:
        if method == "kong.request.get_raw_body":
            body = _whole_body(result, arguments[0] if arguments else None)
            if body is None:
                next(self._numbers)  # Kong numbers the step before it fails to pack nothing
                self._pool.take().close()
                raise LuaError("bad argument #2 to 'binary'")
            return body
        if method in _MULTI_MAPS and isinstance(result, dict):
            return {key: _as_lines(value) for key, value in result.items()}
        return _to_wire(result)

    def _call(self, method: str, argument: object) -> object:
        number = next(self._numbers)
        connection = self._pool.take()
        try:
            connection.note(
                "kong",
                {"type": "request", "msgid": number, "method": method, "params": [argument]},
            )
            request = [0, number, method, [argument]]
            connection.send(msgpack.packb(request, unicode_errors="surrogateescape"))
            failure, result = _receive(connection, number)
        except BaseException:
            connection.close()
            raise
        self._pool.give_back(connection)
        if failure is None:
            return result
        if not isinstance(failure, str):
            raise LuaError("attempt to call method 'lower'")
        raise CallFailed(failure)


def _receive(connection: Connection, wanted: int) -> tuple[object, object]:
    """Return error and result of a response; notifications before it are skipped.

    Raises CallFailed, LuaError.
    """
    unpacker = msgpack.Unpacker(
        raw=False, unicode_errors="surrogateescape", strict_map_key=False, max_buffer_size=0
    )
    while True:
        try:
            unpacker.feed(connection.receive_any())
            messages = list(unpacker)
        except CallFailed as error:
            raise CallFailed("no data") from error
        except (ValueError, msgpack.exceptions.UnpackException) as error:
            raise LuaError("unpack") from error
        for message in messages:
            if not isinstance(message, list) or len(message) not in {3, 4}:
                raise LuaError("RPC response expected")
            kind, number, failure, result = [*message, None][:4]
            if kind == 2:
                continue
            shown = {"type": "response", "msgid": number, "error": failure, "result": result}
            connection.note("plugin", shown)
            if kind != 1 or number != wanted:
                raise LuaError("unexpected RPC response ID")
            return failure, result


def _member(table: object, key: str) -> object:
    if not isinstance(table, dict):
        raise LuaError("attempt to index a nil value")
    return table.get(key)


def _whole_body(result: object, most: object) -> bytes | None:
    if isinstance(result, Path):
        if not isinstance(most, int | float):
            return None
        result = result.read_bytes()
    assert isinstance(result, bytes)
    too_long = isinstance(most, int | float) and 0 < most < len(result)
    return None if too_long else result


def _as_lines(value: object) -> object:
    if value is True:
        return []
    return [value] if isinstance(value, str) else value


def _from_wire(value: object) -> object:
    """Return what the Lua library makes of a value: a table holds no nil."""
    match value:
        case dict():
            return {str(key): _from_wire(each) for key, each in value.items() if each is not None}
        case list() if None in value:
            return {
                str(key + 1): _from_wire(each) for key, each in enumerate(value) if each is not None
            }
        case list():
            return [_from_wire(each) for each in value]
        case _:
            return value


def _to_wire(value: object) -> object:
    """Return what the Lua library packs: empty tables are lists, numbers are doubles."""
    match value:
        case dict():
            return {key: _to_wire(each) for key, each in value.items()} or []
        case list():
            return [_to_wire(each) for each in value]
        case bool() | str() | None:
            return value
        case int() | float():
            number = float(value)
            return int(number) if number.is_integer() and abs(number) < _EXACT else number
        case _:
            return value
