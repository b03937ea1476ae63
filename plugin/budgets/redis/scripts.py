"""The Lua scripts of the engine, and what they are called by."""

from hashlib import sha1
from importlib.resources import files
from typing import NamedTuple


class Script(NamedTuple):
    """A script: its text, and the digest by which a server that has seen it knows it."""

    text: bytes
    digest: bytes


def _script(*parts: str) -> Script:
    folder = files("gatepass.plugin.budgets.redis")
    text = b"".join((folder / f"{part}.lua").read_bytes() for part in parts)
    return Script(text, sha1(text, usedforsecurity=False).hexdigest().encode())


RESERVE = _script("reserve")
SETTLE = _script("finish", "settle")
WITHDRAW = _script("finish", "withdraw")
EXPIRE = _script("finish", "expire")
SCRIPTS = (RESERVE, SETTLE, WITHDRAW, EXPIRE)
