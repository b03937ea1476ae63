"""What others are told when rows have changed, so that they forget what they remember of them."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

ChangedKind = Literal["user", "team", "organization", "end_user", "budget"]


class Changed(NamedTuple):
    """One row that was made, changed or deleted; a membership counts as its user's."""

    kind: ChangedKind
    row_id: str


Notify = Callable[[Sequence[Changed]], None]
"""Told of the rows of one transaction once it is kept; returns at once and never raises."""


def nobody_is_told(changes: Sequence[Changed]) -> None:
    """Tell nobody: who remembers the rows notices when what they remember is too old."""
    del changes
