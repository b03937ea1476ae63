"""Numbers that stand for profiles, for gateways that name a configuration by one.

A number is a hash of the profile's name: the same in every process and after every restart, so that
what a gateway remembers still means what it meant and can never reach another profile. Two names
with one number are both refused. A number that stands for no name is unknown, and the gateway asks
again. A profile that does not exist has a number like any other, for which the Gate refuses.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Collection

REFUSED = 0
"""The number whose requests are all refused; no profile has it."""

NO_PROFILE = ""
"""No profile can be called so."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAX_KNOWN = 4096

_log = logging.getLogger("gatepass.gateways")


def number_of(profile: str, kind: str) -> int:
    """Return the number of a profile, for one kind of number: 31 bits, never 0."""
    digest = hashlib.sha256(f"gatepass {kind}:{profile}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2**31 - 1) + 1


def profile_name(value: object) -> str | None:
    """Return what a configuration names, None where no profile can be called so."""
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


class ProfileNumbers:
    """The numbers that a gateway may name; `profiles` returns the profiles that exist now."""

    def __init__(
        self, profiles: Callable[[], Collection[str]], number_for: Callable[[str], int]
    ) -> None:
        self._profiles = profiles
        self._number_for = number_for
        self._names: dict[int, str] = {REFUSED: NO_PROFILE}
        for name in profiles():
            self._add(name)

    def exists(self, name: str) -> bool:
        """Tell whether there is such a profile now."""
        return name in self._profiles()

    def number(self, name: str) -> int:
        """Return the number for a name, REFUSED when it is another name's as well."""
        self._add(name)
        number = self._number_for(name)
        return number if self._names[number] == name else REFUSED

    def is_known(self, name: str) -> bool:
        """Tell whether the name has been asked for, or existed when last looked at."""
        return self._number_for(name) in self._names

    def profile(self, number: int) -> str | None:
        """Return the profile that a number stands for, or None for one that nobody was given."""
        name = self._names.get(number)
        if name is None:
            for profile in self._profiles():  # a reload may have brought it
                self._add(profile)
            name = self._names.get(number)
        return name

    def _add(self, name: str) -> None:
        if len(self._names) >= _MAX_KNOWN:
            self._names = {REFUSED: NO_PROFILE}  # the profiles that exist come back when asked for
        number = self._number_for(name)
        other = self._names.setdefault(number, name)
        if other not in {name, NO_PROFILE}:
            self._names[number] = NO_PROFILE  # whichever of the two is meant: refused
            _log.error("two profiles have one number: rename one", extra={"profile": name})
