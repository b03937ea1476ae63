"""What a directory answers: the rows behind a caller, and what had to be done for them."""

from typing import NamedTuple

from gatepass.plugin.decision import Effect
from gatepass.rbac.principals import Principals


class Resolved(NamedTuple):
    """The rows behind a caller, and what had to be made or changed for them.

    `candidates` holds one entry for each team that the caller may act for, in the order of the
    choice, and exactly one without a team when there is none.
    """

    candidates: tuple[Principals, ...]
    effects: tuple[Effect, ...]
