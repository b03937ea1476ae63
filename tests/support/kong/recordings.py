"""The recorded conversations of a real Kong, read line by line."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.kong.shown import plain

FOLDER = Path(__file__).resolve().parents[2] / "captures" / "kong"
_FRAME_HEAD = 4


@dataclass(frozen=True)
class Line:
    """A frame, or the opening or closing of a connection."""

    connection: int
    sender: str
    decoded: Mapping[str, object]
    octets: bytes | None
    """The whole frame; None for what was cut, and for connections."""
    reused: bool

    @property
    def payload(self) -> bytes | None:
        return None if self.octets is None else self.octets[_FRAME_HEAD:]

    @property
    def event(self) -> object:
        return self.decoded.get("event")

    @property
    def value(self) -> object:
        """What the frame says, with everything that can be known in full."""
        value = self.decoded.get("value")
        if self.decoded.get("message") == "Value" and isinstance(value, dict):
            value = value["value"]
        return plain(value)

    @property
    def step(self) -> dict[str, object]:
        """The one argument of a request of MsgPack:1."""
        params = plain(self.decoded["params"])
        assert isinstance(params, list)
        (argument,) = params
        return argument if isinstance(argument, dict) else {"": argument}

    @property
    def content(self) -> dict[str, object]:
        """What a call of either protocol says beside its number."""
        if "params" in self.decoded:
            return self.step
        (content,) = (value for value in self.decoded.values() if isinstance(value, dict))
        return content


def names(protocol: str) -> list[str]:
    """Return the names of all recordings of a protocol."""
    return sorted(path.stem for path in (FOLDER / protocol).glob("*.jsonl"))


def load(protocol: str, name: str) -> list[Line]:
    """Return the lines of a recording."""
    text = (FOLDER / protocol / f"{name}.jsonl").read_text()
    return [_line(json.loads(line)) for line in text.splitlines()]


def _line(entry: Mapping[str, object]) -> Line:
    octets = entry.get("hex")
    whole = isinstance(octets, str) and "hex_cut" not in entry
    decoded = entry["decoded"]
    assert isinstance(decoded, dict)
    number, sender = entry["conn"], entry["from"]
    assert isinstance(number, int)
    return Line(
        number,
        str(sender),
        decoded,
        bytes.fromhex(str(octets)) if whole else None,
        "reused_connection" in entry,
    )
