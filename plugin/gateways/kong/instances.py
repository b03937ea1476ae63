"""Instances: Kong's word for one configuration of a plugin, and the ids that stand for them.

Our configuration is the name of a profile, and an id is a hash of that name: the same in every
process and after every restart, so that Kong's stale ids still mean what they meant and can never
reach another's configuration. Rules: a configuration that is not exactly one name is the refused
instance; two names with one id are both refused; an id that was never handed out is unknown, and
Kong asks again. A profile that does not exist is an instance like any other, whose requests the
Gate refuses, so that it works as soon as a reload brings the profile. Nothing is kept for an
instance, so closing one means nothing.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Collection

from gatepass.jwks.encoding import NotStrictJson, parse_json_object

REFUSED = 0
"""The instance whose requests are all refused; no profile has this id."""

NO_PROFILE = ""
"""No profile can be called so."""

_MAX_STARTED = 4096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_KONGS_OWN = frozenset({"service_id", "route_id", "consumer_id", "consumer_group_id"})

_log = logging.getLogger("gatepass.gateways.kong")


def instance_id(profile: str) -> int:
    """Return the id of a profile: 31 bits, never 0."""
    digest = hashlib.sha256(b"gatepass kong instance:" + profile.encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2**31 - 1) + 1


class Instances:
    """All configurations that Kong may name; `profiles` returns those that exist now."""

    def __init__(
        self,
        profiles: Callable[[], Collection[str]],
        id_of: Callable[[str], int] = instance_id,
    ) -> None:
        self._profiles = profiles
        self._id_of = id_of
        self._names: dict[int, str] = {REFUSED: NO_PROFILE}
        for name in profiles():
            self._add(name)

    def start(self, config: bytes) -> int:
        """Return the id for a configuration, which is the JSON text that Kong sends."""
        name = _profile_of(config)
        if name is None:
            _log.error("Kong's configuration of the plugin is not one `profile`; its requests fail")
            return REFUSED
        number = self._id_of(name)
        if number not in self._names and name not in self._profiles():
            _log.error("Kong names a profile that does not exist", extra={"profile": name})
        self._add(name)
        return number if self._names[number] == name else REFUSED

    def profile(self, number: int) -> str | None:
        """Return the profile of an instance, or None for an id that nobody was given."""
        name = self._names.get(number)
        if name is None:
            for profile in self._profiles():  # a reload may have brought it
                self._add(profile)
            name = self._names.get(number)
        return name

    def _add(self, name: str) -> None:
        if len(self._names) >= _MAX_STARTED:
            self._names = {REFUSED: NO_PROFILE}  # the profiles that exist come back when asked for
        number = self._id_of(name)
        other = self._names.setdefault(number, name)
        if other not in {name, NO_PROFILE}:
            self._names[number] = NO_PROFILE  # whichever of the two is meant: refused
            _log.error("two profiles have one instance id: rename one", extra={"profile": name})


def _profile_of(config: bytes) -> str | None:
    """Return the one name of a configuration, or None.

    Beside it may stand what Kong adds to every configuration. A name that came out of a vault is
    refused: it would change without anybody's review.
    """
    try:
        members = parse_json_object(config, None)
    except NotStrictJson:
        return None
    if members.get("$refs"):
        return None
    names = {
        key for key in members if not (key.startswith("__") or key in _KONGS_OWN or key == "$refs")
    }
    profile = members.get("profile")
    if names != {"profile"} or not isinstance(profile, str) or not _NAME.fullmatch(profile):
        return None
    return profile
