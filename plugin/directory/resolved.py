"""What a directory is asked, and what it answers: the rows behind a caller."""

from typing import NamedTuple, Protocol

from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.rbac.identity import Identity
from gatepass.rbac.principals import Principals
from gatepass.rbac.teams import TeamChoice


class Resolved(NamedTuple):
    """The rows behind a caller, and what had to be made or changed for them.

    `candidates` holds one entry for each team that the caller may act for, in the order of the
    choice, and exactly one without a team when there is none.
    """

    candidates: tuple[Principals, ...]
    effects: tuple[Effect, ...]


class Directory(Protocol):
    """Where the rows are; see gatepass.plugin.directory.store."""

    def with_rules(self, rules: DirectoryRules) -> "Directory":
        """Return the same directory, going by other rules."""
        ...

    async def resolve(self, identity: Identity, team: TeamChoice) -> Resolved:
        """Load the rows of a caller, making those that the rules allow to make."""
        ...

    async def ping(self) -> None:
        """Raise StoreUnavailable when the store cannot be read."""
        ...
