"""Configuration tokens: APISIX's word for the number of a prepared configuration.

Our configuration is one plugin called `gatepass` whose text is `{"profile": NAME}`, and its token
is the number of that name (profile_numbers.py): never 0, which APISIX cannot tell from nothing.
Anything else, and a profile that does not exist, is refused when it is prepared: APISIX answers
every request of that route with 503 and asks again, so that a reload which brings the profile is
enough. A token that nobody was given makes APISIX prepare anew.
"""

import logging
from collections.abc import Callable, Collection, Sequence

from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.plugin.gateways.apisix.flatbuffers import Entry
from gatepass.plugin.gateways.apisix.names import PLUGIN_NAME, PROFILE_FIELD
from gatepass.plugin.gateways.profile_numbers import (
    REFUSED,
    ProfileNumbers,
    number_of,
    profile_name,
)

_PLUGIN = PLUGIN_NAME.encode()
_MAX_SAID = 256

_log = logging.getLogger("gatepass.gateways.apisix")


def conf_token(profile: str) -> int:
    """Return the token of a profile: 31 bits, never 0."""
    return number_of(profile, "apisix configuration")


class ConfTokens(ProfileNumbers):
    """All configurations that APISIX may name; `profiles` returns those that exist now."""

    def __init__(
        self,
        profiles: Callable[[], Collection[str]],
        token_of: Callable[[str], int] = conf_token,
    ) -> None:
        super().__init__(profiles, token_of)
        self._said: set[str] = set()

    def prepare(self, conf: Sequence[Entry]) -> int | None:
        """Return the token for a configuration, None for one that is refused."""
        name = profile_of(conf)
        if name is None:
            self._say("", "APISIX's configuration is not one plugin gatepass with one `profile`")
            return None
        if not self.exists(name):
            self._say(name, "APISIX names a profile that does not exist")
            return None
        token = self.number(name)
        return None if token == REFUSED else token

    def _say(self, name: str, sentence: str) -> None:
        """Say each complaint once: APISIX repeats a refused configuration with every request."""
        if name not in self._said and len(self._said) < _MAX_SAID:
            self._said.add(name)
            _log.error("%s; the requests of its route fail", sentence, extra={"profile": name})


def profile_of(conf: Sequence[Entry]) -> str | None:
    """Return the profile that a configuration names, None where it is not ours."""
    if len(conf) != 1 or conf[0][0] != _PLUGIN or conf[0][1] is None:
        return None
    try:
        members = parse_json_object(conf[0][1], None)
    except NotStrictJson:
        return None
    return profile_name(members[PROFILE_FIELD]) if members.keys() == {PROFILE_FIELD} else None
