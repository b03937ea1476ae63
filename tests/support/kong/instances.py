"""Which instance of a plugin's configuration runs at the server, as one nginx worker knows it."""

import threading
import time
from dataclasses import dataclass
from typing import Protocol

from support.kong.errors import CallFailed, LuaError
from support.kong.request import PluginEntity


class Starts(Protocol):
    """What starts and closes instances at the server."""

    def start_instance(self, name: str, config: bytes) -> int: ...
    def close_instance(self, number: int) -> None: ...


@dataclass
class _Claim:
    """An instance, or the claim of the request that starts it."""

    sequence: int
    number: int | None = None


class Instances:
    """Started at their first use; the first request starts, the others wait for it."""

    def __init__(self, rpc: Starts, wait_seconds: float) -> None:
        self._rpc = rpc
        self._wait_seconds = wait_seconds
        self._claims: dict[str, _Claim] = {}
        self._changed = threading.Condition()

    def reset(self) -> None:
        """Forget every instance."""
        with self._changed:
            self._claims.clear()
            self._changed.notify_all()

    def number_of(self, entity: PluginEntity, sequence: int) -> int:
        """Return the id of the instance, starting it if needed. Raises CallFailed, LuaError."""
        with self._changed:
            claim = self._awaited(entity.id)
            old = claim.number if claim is not None else None
            if claim is not None and old is not None and claim.sequence == sequence:
                return old
            if claim is None:
                claim = self._claims[entity.id] = _Claim(sequence)
            claim.number = None
        try:
            number = self._rpc.start_instance(entity.name, entity.config_json(sequence))
        except CallFailed as error:
            with self._changed:
                self._claims.pop(entity.id, None)
                self._changed.notify_all()
            raise LuaError(f"starting instance: {error.text}") from error
        with self._changed:
            claim.number, claim.sequence = number, sequence
            self._changed.notify_all()
        if old is not None:
            self._close(old)
        return number

    def _awaited(self, key: str) -> _Claim | None:
        end = time.monotonic() + self._wait_seconds
        while (claim := self._claims.get(key)) is not None and claim.number is None:
            if not self._changed.wait(max(0.0, end - time.monotonic())):
                self._claims.pop(key, None)
                raise CallFailed(f"Could not claim instance_id (key: {key})")
        return claim

    def _close(self, number: int) -> None:
        try:
            self._rpc.close_instance(number)
        except CallFailed:
            return  # Kong does not care: another thread may have closed it
