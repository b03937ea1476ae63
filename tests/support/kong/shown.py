"""How the recordings show a decoded frame, and whether a frame of ours says the same."""

import hashlib

from support.kong.octets import octets_text, text_octets
from support.kong.values import Null


def plain(shown: object) -> object:
    """Return what a recording shows, in the terms of wire.py; its long texts are one letter."""
    match shown:
        case {"$non_utf8": str(digits)}:
            value: object = octets_text(bytes.fromhex(digits))
        case {"$bytes_hex": str(digits)}:
            value = bytes.fromhex(digits)
        case {"$text_start": str(start), "chars": int(length)}:
            value = start[:1] * length
        case {"$text_start": str(start), "bytes": int(length), "sha256": digest}:
            value = start[:1].encode() * length
            assert hashlib.sha256(value).hexdigest() == digest
        case dict():
            value = {key: plain(each) for key, each in shown.items()}
        case list():
            value = [plain(each) for each in shown]
        case _:
            value = shown
    return value


def same(ours: object, recorded: object) -> bool:
    """Tell whether a decoded message is what the recording shows (in `plain` terms).

    Bytes that are text are shown as text there, and a null of any number as None.
    """
    match ours, recorded:
        case dict(), dict():
            return ours.keys() == recorded.keys() and all(
                same(value, recorded[key]) for key, value in ours.items()
            )
        case list(), list():
            pairs = zip(ours, recorded, strict=False)
            return len(ours) == len(recorded) and all(same(*pair) for pair in pairs)
        case bytes(), str():
            return ours == text_octets(recorded)
        case Null(), None:
            return True
        case _:
            return bool(ours == recorded)
