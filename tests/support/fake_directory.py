"""A directory that answers by script and notes every question; for what a real one rarely does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin import Gate, load_settings
from gatepass.plugin.budgets.engine import EngineRules
from gatepass.plugin.budgets.memory import MemoryBudgets
from gatepass.plugin.directory.resolved import Resolved
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.rulebook import make_rulebook
from gatepass.plugin.settings import compile_settings
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import Principals, Team, User
from gatepass.rbac.teams import TeamChoice
from support.gates import settings_file


class FakeDirectory:
    """Gives everybody a row; `failure` is raised instead, by `ping` too."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.failure = failure
        self.asked: list[tuple[Identity, TeamChoice]] = []

    def with_rules(self, rules: DirectoryRules) -> "FakeDirectory":
        del rules
        return self

    async def resolve(self, identity: Identity, team: TeamChoice) -> Resolved:
        self.asked.append((identity, team))
        if self.failure is not None:
            raise self.failure
        user = None if identity.user_id is None else User(identity.user_id, ALL_MODELS)
        without = Principals(user=user)
        stored = [self.team(team_id) for team_id in team.ids_to_load]
        teams = tuple(replace(without, team=one) for one in team.among(stored, ()))
        return Resolved(teams or (without,), ())

    def team(self, team_id: str) -> Team:
        return Team(team_id, ALL_MODELS, blocked=team_id.startswith("blocked"))

    async def ping(self) -> None:
        if self.failure is not None:
            raise self.failure


@asynccontextmanager
async def gate_on(
    directory: FakeDirectory, folder: Path, clock: Clock = SYSTEM_CLOCK, /, **sections: object
) -> AsyncIterator[Gate]:
    """Open a Gate whose rows come from this directory."""
    compiled = compile_settings(load_settings(settings_file(folder, **sections)))
    rulebook = make_rulebook(compiled, directory, clock)
    gate = Gate(rulebook, MemoryBudgets(clock, EngineRules()), directory, clock)
    await gate.start()
    try:
        yield gate
    finally:
        await gate.close()
