"""What the log says about one issuer's keys: each thing once, not once per attempt or token.

Fixed words, counts and the issuer's name from the settings; nothing of a key (SEC-60).
"""

import logging
from itertools import chain

from gatepass.jwks.faults import KeyFault
from gatepass.jwks.keyset import KeySet

_log = logging.getLogger(__name__)

# Many issuers publish keys for encryption in the same set.
_ORDINARY = frozenset({KeyFault.NOT_FOR_SIGNATURES, KeyFault.UNSUPPORTED})


class KeyLog:
    """Remembers what was said of the outage under way."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._said: set[str] = set()

    def failed(self, detail: str) -> None:
        """Say that a load failed; each kind of failure once per outage."""
        if detail not in self._said:
            self._said.add(detail)
            _log.warning("issuer %s: keys not loaded: %s", self._issuer, detail)

    def loaded(self) -> None:
        """Say that the outage is over, if there was one."""
        if self._said:
            self._said.clear()
            _log.info("issuer %s: keys loaded again", self._issuer)

    def changed(self, key_set: KeySet) -> None:
        """Say what an operator should look at in a new key set."""
        for oddity, count in chain(key_set.skipped.items(), key_set.remarks.items()):
            if oddity not in _ORDINARY:
                _log.warning(
                    "issuer %s: keys in its set that are %s: %d", self._issuer, oddity, count
                )

    def recalled(self, age_seconds: float) -> None:
        """Say that keys which an earlier process loaded are used."""
        _log.warning("issuer %s: keys from disk serve, %d s old", self._issuer, age_seconds)

    def broken(self, bug: Exception) -> None:
        """Say of which type an error of our own is."""
        _log.error("issuer %s: %s while loading keys", self._issuer, type(bug).__name__)
