"""Reading the settings again while serving: everything is compiled anew, then swapped at once.

A file that is wrong changes nothing: the old rules stay, and every problem is named. What cannot
change while running is named too, as long as the file and the start differ in it, so that nobody
believes that it did. Reloads happen one after the other: the file as it was read last is what
counts.
"""

import asyncio
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

from gatepass.plugin.gate import Gate
from gatepass.plugin.settings import Settings, load_settings
from gatepass.plugin.settings.compile_senders import certificates_are_wanted

_NEEDS_RESTART = (
    ("stores", "database"),
    ("stores", "redis"),
    ("stores", "deployment"),
    ("doors",),
    ("budgets", "engine"),
    ("budgets", "alerts"),
)
_NOBODY_ASKS = (
    "issuers[].sender_constrained.mtls: Kong and APISIX are asked for certificates from the next "
    "start on, and tokens that are bound to one are refused there until then"
)


class Reloader:
    """Replaces the settings that a Gate judges by; `settings` are those that it was started by."""

    def __init__(self, gate: Gate, path: Path, settings: Settings) -> None:
        self._gate = gate
        self._path = path
        self._started_by = settings
        self._one_at_a_time = asyncio.Lock()

    async def reload(self) -> list[str]:
        """Adopt the file as it is now; return what of it takes effect only at the next start.

        Raises:
            ConfigurationError: the file is wrong; the Gate keeps judging by the old rules.

        """
        async with self._one_at_a_time:
            wanted = load_settings(self._path)
            await self._gate.adopt(wanted)
        return list(_left_as_started(self._started_by, wanted))


def _left_as_started(started_by: Settings, wanted: Settings) -> Iterator[str]:
    for path in _NEEDS_RESTART:
        if reduce(getattr, path, wanted) != reduce(getattr, path, started_by):
            yield f"{'.'.join(path)}: changed; takes effect at the next start"
    asking = started_by.doors.kong is not None or started_by.doors.apisix is not None
    if (
        asking
        and certificates_are_wanted(wanted.issuers)
        and not certificates_are_wanted(started_by.issuers)
    ):
        yield _NOBODY_ASKS
