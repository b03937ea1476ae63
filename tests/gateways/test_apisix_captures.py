"""The simulated APISIX against every recorded conversation of a real one."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from support.apisix.flat import Unreadable
from support.apisix.messages import (
    EXTRA,
    FROM_APISIX,
    Entries,
    Extra,
    Message,
    Prepare,
    RequestCall,
    ResponseCall,
    decode,
    encode,
    frame,
)
from support.apisix.recordings import Line, load, names, recorded_octets
from support.apisix.reenact import FROM_CALLS, Reenacted, Said, reenact
from support.apisix.shown import decoded

WITH_FRAMES = [name for name in names() if any(line.is_frame for line in load(name))]
NEVER_THE_SAME = frozenset(
    (
        *("request_id", "apisix_request_id", "remote_port", "request_length", "connection"),
        *("msec", "time_iso8601", "tcpinfo_rtt", "hostname", "pid", "post_arg.messages[*].content"),
    )
)
"""Variables that say something else every time."""
EMPTY_TEXTS = [("unusual_bytes", 32), ("unusual_bytes", 33)]
"""Calls with an empty text, after which APISIX has leftovers of its memory."""
COUNTED_OTHERWISE = FROM_CALLS | {"runner_restart"}
"""Where calls came together, or one was counted that never reached the runner."""
Fields = Sequence[tuple[str, str]]


def _frames(name: str, sender: str) -> list[tuple[Line, bytes]]:
    lines = [line for line in load(name) if line.is_frame and line.sender == sender]
    return [(line, line.octets) for line in lines if line.octets is not None]


def test_all_recordings_are_here() -> None:
    assert len(names()) == 60
    assert set(names()) - set(WITH_FRAMES) == {"forward_auth_get", "forward_auth_post"}


@pytest.mark.parametrize("name", WITH_FRAMES)
def test_a_frame_says_what_was_recorded(name: str) -> None:
    for sender in ("apisix", "runner"):
        for line, octets in _frames(name, sender):
            if "undecodable" not in line.decoded:
                assert decoded(sender, octets) == line.decoded


@pytest.mark.parametrize("name", WITH_FRAMES)
def test_what_apisix_says_is_encoded_to_the_same_bytes(name: str) -> None:
    for line, octets in _frames(name, "apisix"):
        again = frame(line.kind, encode(line.message))
        if (name, line.decoded.get("id")) in EMPTY_TEXTS:
            different = [
                at for at, pair in enumerate(zip(again, octets, strict=True)) if len({*pair}) > 1
            ]
            assert len(different) <= 1, "what APISIX leaves after an empty text is up to its memory"
        else:
            assert again == octets


@pytest.mark.parametrize("name", WITH_FRAMES)
def test_what_was_cut_off_a_recording_is_encoded_to_the_same_digest(name: str) -> None:
    for line in load(name):
        if line.is_frame and line.sender == "apisix" and line.octets is None:
            octets = frame(line.kind, encode(_message(line.decoded)))
            assert hashlib.sha256(octets).hexdigest() == line.sha256


def _message(said: Mapping[str, object]) -> Message:
    if said["type"] == "ExtraInfo":
        return Extra(recorded_octets(said["result"]))
    numbers = {key: int(str(said[key])) for key in ("id", "method", "conf_token")}
    return RequestCall(
        numbers["id"],
        bytes.fromhex(str(said["src_ip"])),
        numbers["method"],
        recorded_octets(said["path"]),
        _entries(said["args"]),
        _entries(said["headers"]),
        numbers["conf_token"],
    )


def _entries(said: object) -> Entries:
    assert isinstance(said, list)
    return tuple((recorded_octets(name), recorded_octets(value)) for name, value in said)


@pytest.mark.parametrize("name", WITH_FRAMES)
@pytest.mark.parametrize("cuts", [False, True], ids=["whole", "cut"])
def test_what_a_runner_says_is_read_in_another_layout_too(name: str, *, cuts: bool) -> None:
    for line, _ in _frames(name, "runner"):
        if "undecodable" not in line.decoded and line.decoded["type"] != 9:
            assert decode(type(line.message), encode(line.message, cuts=cuts)) == line.message


def test_garbage_of_the_recordings_cannot_be_read() -> None:
    malformed = [line for line in load("wrong_answers") if "undecodable" in line.decoded]
    assert len(malformed) == 6
    for line in malformed:
        with pytest.raises(Unreadable):
            assert line.message


@pytest.mark.parametrize("name", WITH_FRAMES)
def test_again(name: str, tmp_path: Path) -> None:
    shifts: set[int] = set()
    for again in reenact(name, tmp_path):
        assert again.script.unexpected == []
        assert again.script.lines == []
        assert again.script.said or not again.recorded.of("apisix", "HTTPReqCall")
        for said in again.script.said:
            _check_said(said)
            shifts |= _shift(said)
        if name not in FROM_CALLS:
            _check_client(name, again)
        if name not in FROM_CALLS and name != "metering_ai_proxy":  # its own upstream's
            _check_upstream(again)
    assert len(shifts) <= 1 or name in COUNTED_OTHERWISE


def _shift(said: Said) -> set[int]:
    """Return how far the number of a call is from the recorded one; a file begins anywhere."""
    message = decode(FROM_APISIX[said.octets[0]], said.octets[4:])
    if isinstance(message, RequestCall | ResponseCall):
        return {message.id - int(str(said.line.decoded["id"]))}
    return set()


def _check_said(said: Said) -> None:
    assert said.octets[0] == said.line.kind
    if said.line.octets is None:
        ours = hashlib.sha256(said.octets).hexdigest()
        assert said.line.kind != EXTRA or ours == said.line.sha256
    elif said.line.kind != EXTRA or said.question not in NEVER_THE_SAME:
        ours_said = decode(FROM_APISIX[said.octets[0]], said.octets[4:])
        assert _in_order(ours_said) == _in_order(said.line.message)


def _in_order(message: Message) -> Message:
    """Return a message without its number, the lists sorted by their names."""
    match message:
        case RequestCall():
            args, headers = _sorted(message.args), _sorted(message.headers)
            return replace(message, id=0, args=args, headers=headers)
        case ResponseCall():
            return replace(message, id=0, headers=_sorted(message.headers))
        case Prepare() | Extra():
            return message
    raise TypeError(message)


def _sorted(entries: Entries) -> Entries:
    return tuple(sorted(entries, key=lambda entry: entry[0]))


def _check_upstream(again: Reenacted) -> None:
    recorded = again.recorded.of("upstream")
    ours = again.exchange.upstream_requests if again.exchange is not None else []
    assert len(ours) == len(recorded)
    for request, line in zip(ours, recorded, strict=True):
        first, headers = _head(line.octets_of("head"))
        method, target, _ = first.split(" ")
        assert request.method == method
        assert _taken_apart(request.target) == _taken_apart(target)
        if "X-Real-IP" in dict(headers):
            assert list(request.headers) == headers
        else:
            assert sorted(request.headers) == sorted(headers), "the order of Lua"
        assert len(request.body) == line.entry["body_len"]
        if line.entry.get("body_sha256") is not None:
            assert hashlib.sha256(request.body).hexdigest() == line.entry["body_sha256"]


def _check_client(name: str, again: Reenacted) -> None:
    line = again.recorded.response
    if line is None or "status" not in line.entry:
        return
    assert again.response.status == line.entry["status"]
    headers = _lasting(again.response.headers)
    recorded = _lasting(_head(line.octets_of("head"))[1])
    if name == "metering_ai_proxy":  # that plugin drops a header of its upstream's
        headers.remove(("cache-control", "no-cache"))
    assert headers == recorded
    if not isinstance(line.entry["body"], dict):
        assert again.response.body == line.octets_of("body")


def _head(octets: bytes) -> tuple[str, list[tuple[str, str]]]:
    first, *lines = octets.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines)
    return first, [(name, value.removeprefix(" ")) for name, _, value in fields]


def _lasting(headers: Fields) -> list[tuple[str, str]]:
    lower = ((name.lower(), value) for name, value in headers)
    return sorted(each for each in lower if each[0] not in {"date", "connection"})


def _taken_apart(target: str) -> tuple[str, list[str]]:
    path, _, query = target.partition("?")
    return path, sorted(query.split("&"))
