"""The walk through the scenes: each is asked, compared with what should have come, and reported.

A scene that cannot even be asked counts as one that went wrong, and the tour goes on.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import httpx

from gatepass.plugin.demo.accounts import SEARCH_INDEXER
from gatepass.plugin.demo.asking import Client, Observed, differences
from gatepass.plugin.demo.keys import key_id
from gatepass.plugin.demo.scenes import (
    BEYOND_BUDGET,
    CALLS_WITHIN_BUDGET,
    MACHINE,
    NEW_PERSON,
    REFUSED_TOKENS,
    ROTATED,
    RULES,
    WITHIN_BUDGET,
    Scene,
)
from gatepass.plugin.demo.servers import Servers
from gatepass.plugin.demo.sign_in import IdentityProvider, SignInFailed

REFETCH_SECONDS = 1.1
"""The service asks an issuer for its keys at most once a second; the rotation waits for that."""


@dataclass(frozen=True, slots=True)
class Step:
    """A scene, what was asked in it, what came of it, and what differed."""

    scene: Scene
    asked: str
    observed: Observed | None
    differences: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Answer whether all was as it should be."""
        return not self.differences


class Tour:
    """All steps, one after the other; each is taken when it is asked for."""

    def __init__(
        self, servers: Servers, http: httpx.Client, refetch_seconds: float = REFETCH_SECONDS
    ) -> None:
        self._client = Client(servers.gateway, servers.upstream, http)
        self._provider = IdentityProvider(servers.issuer, servers.secret, http)
        self._database = servers.database
        self._rotation_shows_at = time.monotonic() + refetch_seconds

    def steps(self) -> Iterator[Step]:
        """Take the steps."""
        for scene in REFUSED_TOKENS:
            yield self._play(scene)
        yield self._play(MACHINE)
        yield self._meet()
        for scene in RULES:
            yield self._play(scene)
        yield self._spend()
        yield self._rotate()

    def _play(self, scene: Scene) -> Step:
        asked = ""
        try:
            call = scene.call(self._provider)
            asked = str(call)
            observed = self._client.ask(call)
        except (httpx.HTTPError, SignInFailed) as error:
            return Step(scene, asked, None, (f"could not be asked: {type(error).__name__}",))
        return Step(scene, asked, observed, tuple(differences(observed, scene.expected)))

    def _meet(self) -> Step:
        """Show that a person's row is there afterwards, and was not before."""
        try:
            before = self._rows("alice")
            step = self._play(NEW_PERSON)
            after = self._rows("alice")
        except sqlite3.Error:
            return Step(NEW_PERSON, "", None, ("the database of the service cannot be read",))
        if (before, after) == (0, 1):
            return step
        return _differing(step, f"alice had {before} rows before and {after} after, not 0 and 1")

    def _spend(self) -> Step:
        """Call as often as the team's money suffices, and once more."""
        within = [self._play(WITHIN_BUDGET) for _ in range(CALLS_WITHIN_BUDGET)]
        found = [
            f"call {number}: {difference}"
            for number, step in enumerate(within, 1)
            for difference in step.differences
        ]
        return _differing(self._play(BEYOND_BUDGET), *found)

    def _rotate(self) -> Step:
        """Call with the first token of a new key."""
        time.sleep(max(0.0, self._rotation_shows_at - time.monotonic()))
        try:
            before = key_id(self._provider.machine_token(SEARCH_INDEXER))
            rotated = self._provider.rotate()
        except httpx.HTTPError as error:
            return Step(ROTATED, "", None, (f"could not be asked: {type(error).__name__}",))
        step = self._play(ROTATED)
        return step if rotated != before else _differing(step, "the key did not change")

    def _rows(self, user_id: str) -> int:
        """Count the rows of a user in the service's own database, which is opened read-only."""
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT count(*) FROM users WHERE user_id = ?", (user_id,))
            return int(found.fetchone()[0])


def _differing(step: Step, *found: str) -> Step:
    return replace(step, differences=(*step.differences, *found))
