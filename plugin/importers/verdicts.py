"""What became of each key of somebody else's settings.

A verdict names the key as it stands there and, where there is one, the setting that it became. No
sentence repeats a value: it may be a secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a key fared, from the best to the worst."""

    EXACT = "exact"
    CHANGED = "changed"
    MANUAL = "manual"
    REFUSED = "refused"


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class KeyVerdict:
    """One key: what became of it, and in words what changes and why, or what is to be done.

    `setting` is where it stands in our settings, or empty. A key in round brackets is one that was
    not written: its default there is not ours.
    """

    key: str
    verdict: Verdict
    sentence: str
    setting: str = ""


class Notes:
    """Collects verdicts in the order in which they were found."""

    def __init__(self) -> None:
        self._verdicts: list[KeyVerdict] = []

    def exact(self, key: str, setting: str, sentence: str = "") -> None:
        """Note a key that means the same here."""
        self._add(key, Verdict.EXACT, sentence, setting)

    def changed(self, key: str, setting: str, sentence: str) -> None:
        """Note a key that means something else here, and why."""
        self._add(key, Verdict.CHANGED, sentence, setting)

    def manual(self, key: str, sentence: str, setting: str = "") -> None:
        """Note a key that a person has to do something about."""
        self._add(key, Verdict.MANUAL, sentence, setting)

    def refused(self, key: str, sentence: str) -> None:
        """Note a key that cannot be taken over, so that nothing is."""
        self._add(key, Verdict.REFUSED, sentence, "")

    @property
    def verdicts(self) -> tuple[KeyVerdict, ...]:
        """Return what was noted, each once; of a key only what is worst."""
        worst: dict[str, int] = {}
        for verdict in self._verdicts:
            worst[verdict.key] = max(worst.get(verdict.key, 0), _RANKS[verdict.verdict])
        kept = [found for found in self._verdicts if _RANKS[found.verdict] == worst[found.key]]
        return tuple(dict.fromkeys(kept))

    def _add(self, key: str, verdict: Verdict, sentence: str, setting: str) -> None:
        self._verdicts.append(KeyVerdict(key, verdict, sentence, setting))


def exit_status(verdicts: Sequence[KeyVerdict]) -> int:
    """Return 0 when nothing needs a person, 1 when something does, 2 when a key was refused."""
    found = {verdict.verdict for verdict in verdicts}
    if Verdict.REFUSED in found:
        return 2
    return 1 if Verdict.MANUAL in found else 0
