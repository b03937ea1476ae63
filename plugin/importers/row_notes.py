"""What became of each row of somebody else's database.

A row is as good as the worst that was said of it; a row of which nothing was said means the same
here. What a sentence says of a row is never a value of it, only names of columns: rows hold
addresses and secrets.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gatepass.plugin.importers.verdicts import Verdict

_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """One row: of which kind and by which key, what became of it, and in words why."""

    kind: str
    key: str
    verdict: Verdict
    sentences: tuple[str, ...] = ()


@dataclass(slots=True)
class RowNote:
    """What is said of one row while it is read."""

    kind: str
    key: str
    verdict: Verdict = Verdict.EXACT
    sentences: list[str] = field(default_factory=list)

    def changed(self, sentence: str) -> None:
        """Say what means something else here, and why."""
        self._say(Verdict.CHANGED, sentence)

    def manual(self, sentence: str) -> None:
        """Say what a person has to do something about."""
        self._say(Verdict.MANUAL, sentence)

    def refused(self, sentence: str) -> None:
        """Say why the row cannot be taken over."""
        self._say(Verdict.REFUSED, sentence)

    @property
    def is_refused(self) -> bool:
        """Answer whether the row is left out."""
        return self.verdict is Verdict.REFUSED

    def result(self) -> RowVerdict:
        """Return the verdict."""
        return RowVerdict(self.kind, self.key, self.verdict, tuple(self.sentences))

    def _say(self, verdict: Verdict, sentence: str) -> None:
        if _RANKS[verdict] > _RANKS[self.verdict]:
            self.verdict = verdict
        if sentence not in self.sentences:
            self.sentences.append(sentence)


class RowNotes:
    """The notes on all rows, in the order in which they were opened."""

    def __init__(self) -> None:
        self._notes: list[RowNote] = []

    def open(self, kind: str, key: str) -> RowNote:
        """Return a note for one more row."""
        note = RowNote(kind, key)
        self._notes.append(note)
        return note

    def __iter__(self) -> Iterator[RowVerdict]:
        return (note.result() for note in self._notes)


def counts(verdicts: Iterable[RowVerdict]) -> dict[Verdict, int]:
    """Return how many rows have each verdict, from the best to the worst."""
    found = dict.fromkeys(Verdict, 0)
    for verdict in verdicts:
        found[verdict.verdict] += 1
    return found
