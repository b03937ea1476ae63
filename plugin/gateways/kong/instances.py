"""Instances: Kong's word for one configuration of a plugin, and the ids that stand for them.

Our configuration is the name of a profile, and an id is the number of that name
(profile_numbers.py). Rules: a configuration that is not exactly one name is the refused instance;
an id that was never handed out is unknown, and Kong asks again. Nothing is kept for an instance, so
closing one means nothing.
"""

import logging
from collections.abc import Callable, Collection

from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.plugin.gateways.kong.marker import PROFILE_FIELD
from gatepass.plugin.gateways.profile_numbers import (
    REFUSED,
    ProfileNumbers,
    number_of,
    profile_name,
)

_KONGS_OWN = frozenset({"service_id", "route_id", "consumer_id", "consumer_group_id"})

_log = logging.getLogger("gatepass.gateways.kong")


def instance_id(profile: str) -> int:
    """Return the id of a profile: 31 bits, never 0."""
    return number_of(profile, "kong instance")


class Instances(ProfileNumbers):
    """All configurations that Kong may name; `profiles` returns those that exist now."""

    def __init__(
        self,
        profiles: Callable[[], Collection[str]],
        id_of: Callable[[str], int] = instance_id,
    ) -> None:
        super().__init__(profiles, id_of)

    def start(self, config: bytes) -> int:
        """Return the id for a configuration, which is the JSON text that Kong sends."""
        name = _profile_of(config)
        if name is None:
            _log.error("Kong's configuration of the plugin is not one `profile`; its requests fail")
            return REFUSED
        if not self.is_known(name) and not self.exists(name):
            _log.error("Kong names a profile that does not exist", extra={"profile": name})
        return self.number(name)


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
    return profile_name(members[PROFILE_FIELD]) if names == {PROFILE_FIELD} else None
