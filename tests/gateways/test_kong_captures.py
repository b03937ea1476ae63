"""The simulator of Kong against every recorded conversation of the real one."""

import json
from collections.abc import Mapping
from pathlib import Path

import msgpack
import pytest

from support.kong.conversation import Request
from support.kong.octets import Undecodable
from support.kong.recordings import Line, load, names
from support.kong.reenact import Reenactment, reenact
from support.kong.replay import Said
from support.kong.results import Proxied
from support.kong.shown import plain, same
from support.kong.wire import decode, encode
from support.kong.worker import Exchange

PROTOBUF = names("protobuf")
MSGPACK = names("msgpack")
TARGETS = {
    "21-errors": b"/pp/x?a=1&a=2&b&c=&d=%20",
    "33-setter-error-with-end-already-sent": b"/pb/x",
}
"""What the client asked for, where that stands in no reply."""
UNLIKE = frozenset({"kong.node.get_memory_stats", "kong.nginx.req_start_time"})
"""What differs from one moment to the next."""
SERIALIZED = (
    *("client_ip", "source", "upstream_uri", "upstream_status", "workspace", "consumer"),
    *("authenticated_entity", "identity"),
)


def _message(line: Line) -> str | None:
    frame = line.decoded.get("frame")
    if frame in {"RpcCall", "RpcReturn"}:
        return str(frame)
    message = line.decoded.get("message")
    return str(message) if message not in {None, "?"} else None


def _frames(name: str) -> list[tuple[str, Line, bytes]]:
    return [
        (message, line, line.payload)
        for line in load("protobuf", name)
        if line.payload is not None and (message := _message(line)) is not None
    ]


def test_no_recording_is_left_out() -> None:
    assert (len(PROTOBUF), len(MSGPACK)) == (35, 9)


@pytest.mark.parametrize("name", PROTOBUF)
def test_a_frame_says_what_was_recorded(name: str) -> None:
    for message, line, payload in _frames(name):
        ours = decode(message, payload)
        recorded = line.value if "frame" not in message else None
        if message.startswith("Rpc"):
            shown = {key: value for key, value in line.decoded.items() if key != "frame"}
            recorded = plain(shown)
        if message == "KV" and isinstance(ours, dict) and recorded != ours:
            assert isinstance(recorded, dict)
            ours = {"v": "$absent", **ours} if "v" not in ours else ours
        if message == "Empty":
            recorded = {}
        assert same(ours, recorded), (message, ours, recorded)


@pytest.mark.parametrize("name", PROTOBUF)
def test_what_kong_says_is_encoded_as_kong_does(name: str) -> None:
    for message, line, payload in _frames(name):
        if line.sender == "kong":
            again = encode(message, decode(message, payload))
            assert decode(message, again) == decode(message, payload)
            assert sorted(again) == sorted(payload), "the order is free, nothing else"


def test_the_malformed_arguments_of_21_cannot_be_read() -> None:
    malformed = [line for line in load("protobuf", "21-errors") if "decode_error" in line.decoded]
    assert len(malformed) == 2
    for line in malformed:
        assert line.payload is not None
        with pytest.raises(Undecodable):
            decode("String", line.payload)


@pytest.mark.parametrize("name", MSGPACK)
def test_a_message_says_what_was_recorded(name: str) -> None:
    for line in load("msgpack", name):
        if line.octets is None:
            continue
        message = msgpack.unpackb(
            line.octets, unicode_errors="surrogateescape", strict_map_key=False
        )
        shown = plain({key: value for key, value in line.decoded.items() if key != "type"})
        assert isinstance(shown, dict)
        assert same(json.loads(json.dumps(message[1:], default=_text)), list(shown.values()))


def _text(octets: bytes) -> str:
    return octets.decode()


@pytest.mark.parametrize("name", [name for name in PROTOBUF if not name.startswith("10b")])
def test_protobuf_again(name: str, tmp_path: Path) -> None:
    _check(reenact("protobuf", name, tmp_path, TARGETS.get(name, b"/pp/x")))


@pytest.mark.parametrize("name", MSGPACK)
def test_msgpack_again(name: str, tmp_path: Path) -> None:
    _check(reenact("msgpack", name, tmp_path))


def _check(reenacted: Reenactment) -> None:
    script = reenacted.script
    assert script.unexpected == []
    assert script.waiting == ()
    said_by_us = sum(said.method != "step" for said in script.said)
    assert said_by_us == sum(_said_by_kong(each) for each in reenacted.requests)
    for said in script.said:
        _check_said(said)
    for request, exchange in zip(reenacted.requests, reenacted.exchanges, strict=True):
        _check_outcome(request, exchange)


def _said_by_kong(request: Request) -> int:
    lines = [line for call in request.calls for line in (call.head, *call.lines)]
    return sum(line.sender == "kong" and line.event is None for line in lines)


def _check_outcome(request: Request, exchange: Exchange) -> None:
    """Compare what became of the request with what the recorded event says of it."""
    event = request.last("access")
    status = None if event is None else event.exit_status
    if status is not None and 100 <= status <= 599:
        assert (exchange.answered.status, exchange.answered.from_plugin) == (status, True)
    elif event is not None and event.is_ended and "[1.0, 2.0]" not in str(event.lines):
        assert isinstance(exchange.result, Proxied)
    else:  # among them 33, where a setter fails after the end was already said
        assert (exchange.answered.status, exchange.answered.from_plugin) == (500, False)
    assert exchange.attempts == max(1, len(request.of_kind("access")))


def _check_said(said: Said) -> None:
    ours, recorded = _data(said.ours), _data(said.recorded)
    match said.method:
        case method if method in UNLIKE:
            return
        case "kong.log.serialize":
            _check_entry(_entry(ours), _entry(recorded))
        case "kong.response.get_headers":
            assert _lasting(ours) == _lasting(recorded)
        case "kong.request.get_raw_body" if (
            isinstance(recorded, dict) and "content" not in recorded
        ):
            assert isinstance(ours, dict)
            assert ours.keys() == recorded.keys()
        case _:
            assert same(ours, recorded), said


def _data(value: object) -> object:
    """Return what is said, without the number of the event."""
    if isinstance(value, dict) and "EventId" in value:
        return value.get("Data")
    return value


def _entry(value: object) -> Mapping[str, object]:
    text = value["v"] if isinstance(value, dict) else value
    assert isinstance(text, str)
    entry: dict[str, object] = json.loads(text)
    return entry


def _check_entry(ours: Mapping[str, object], recorded: Mapping[str, object]) -> None:
    assert ours.keys() == recorded.keys()
    for key in SERIALIZED:
        assert ours.get(key) == recorded.get(key), key
    assert bool(ours["tries"]) == bool(recorded["tries"])
    for key in ("method", "uri", "url", "querystring", "headers"):
        assert _part(ours, "request")[key] == _part(recorded, "request")[key]
    assert _part(ours, "response")["status"] == _part(recorded, "response")["status"]
    headers = _part(ours, "response")["headers"]
    assert _lasting(headers) == _lasting(_part(recorded, "response")["headers"])


def _part(entry: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = entry[name]
    assert isinstance(part, dict)
    return part


def _lasting(headers: object) -> Mapping[str, object]:
    """Return headers without the values that are never the same."""
    assert isinstance(headers, dict)
    return {name: None if name.startswith("x-kong-") else value for name, value in headers.items()}
