"""Reading the settings again while serving: everything is compiled anew, then swapped at once.

A file that is wrong changes nothing: the old rules stay, and every problem is named. What cannot
change while running is named too, so that nobody believes that it did. Reloads happen one after the
other: the file as it was read last is what counts.
"""

import asyncio
from functools import reduce
from pathlib import Path

from gatepass.plugin.gate import Gate
from gatepass.plugin.settings import Settings, load_settings

_NEEDS_RESTART = (
    ("stores", "database"),
    ("doors",),
    ("budgets", "engine"),
    ("budgets", "reservation_timeout"),
)


class Reloader:
    """Remembers the settings that a Gate runs by, and replaces them by those of the file."""

    def __init__(self, gate: Gate, path: Path, settings: Settings) -> None:
        self._gate = gate
        self._path = path
        self._settings = settings
        self._one_at_a_time = asyncio.Lock()

    async def reload(self) -> list[str]:
        """Adopt the file as it is now; return what takes effect only at the next start.

        Raises:
            ConfigurationError: the file is wrong; the Gate keeps judging by the old rules.

        """
        async with self._one_at_a_time:
            wanted = load_settings(self._path)
            await self._gate.adopt(wanted)
            running, self._settings = self._settings, wanted
        return [
            f"{'.'.join(path)}: changed; takes effect at the next start"
            for path in _NEEDS_RESTART
            if reduce(getattr, path, wanted) != reduce(getattr, path, running)
        ]
