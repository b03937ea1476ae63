"""The recorded conversations of a real APISIX, read line by line."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.apisix.messages import FROM_APISIX, FROM_RUNNER, Message, decode

FOLDER = Path(__file__).resolve().parents[2] / "captures" / "apisix"


@dataclass(frozen=True)
class Line:
    """Something that was seen: a frame, a connection, or a request on its way."""

    entry: Mapping[str, object]

    @property
    def sender(self) -> str:
        return str(self.entry["from"])

    @property
    def connection(self) -> object:
        return self.entry.get("conn")

    @property
    def event(self) -> object:
        return self.entry.get("event")

    @property
    def decoded(self) -> dict[str, object]:
        """What a frame says; empty for everything else."""
        decoded = self.entry.get("decoded", {})
        assert isinstance(decoded, dict)
        return decoded

    @property
    def is_frame(self) -> bool:
        return bool(self.decoded)

    @property
    def octets(self) -> bytes | None:
        """The whole frame, or what there is of one; None for what was cut, and for the rest."""
        digits = self.entry.get("hex")
        return bytes.fromhex(str(digits)) if digits and "sha256" not in self.entry else None

    @property
    def sha256(self) -> object:
        """Of a frame that was cut, the digest of the whole one."""
        return self.entry.get("sha256")

    @property
    def kind(self) -> int:
        """The type of a frame."""
        return int(str(self.entry["hex"])[:2], 16)

    @property
    def message(self) -> Message:
        """What a frame that was not cut says. Raises Unreadable."""
        assert self.octets is not None
        kinds = FROM_APISIX if self.sender == "apisix" else FROM_RUNNER
        return decode(kinds[self.kind], self.octets[4:])

    def octets_of(self, key: str) -> bytes:
        """Return a text of the entry as the bytes that it was."""
        return recorded_octets(self.entry.get(key))


def names() -> Sequence[str]:
    """Return the names of all recordings."""
    return sorted(path.stem for path in FOLDER.glob("*.jsonl"))


def load(name: str) -> list[Line]:
    """Return the lines of a recording."""
    octets = (FOLDER / f"{name}.jsonl").read_bytes()
    return [Line(json.loads(line)) for line in octets.strip().split(b"\n")]


def recorded_octets(value: object) -> bytes:
    """Return the bytes of a recorded text; none for one that is missing."""
    match value:
        case {"latin1": str(text)}:
            return text.encode("latin-1")
        case {"cut": str(start), "len": int(length), "sha256": str(digest)}:
            return restored(start.encode("latin-1"), length, digest)
        case str(text):
            return text.encode()
    return b""


def restored(start: bytes, length: int, digest: object) -> bytes:
    """Return the whole of a long text: the recordings' are all one letter, some in JSON.

    Raises ValueError for any other, as far as there is a digest to know it by.
    """
    for end in (b"", b'"}'):
        whole = start + start[-1:] * (length - len(start) - len(end)) + end
        if digest is None or hashlib.sha256(whole).hexdigest() == digest:
            return whole
    raise ValueError(start)
