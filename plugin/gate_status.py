"""The Gate as those see it who watch it: whether it is ready, and what that hangs on."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.outage import OutageRule, OutageStatus
from gatepass.plugin.own_budget import own_standings

if TYPE_CHECKING:
    from gatepass.jwks.introspection import IntrospectionStatus
    from gatepass.jwks.status import IssuerStatus
    from gatepass.plugin.budgets.engine import BudgetEngine
    from gatepass.plugin.budgets.limits import LimitStanding
    from gatepass.plugin.directory.rules import DirectoryRules
    from gatepass.plugin.request import Request
    from gatepass.plugin.rulebook import Rulebook


class GateStatus:
    """Answers for the rulebook of now, and for the store."""

    def __init__(self, rulebook: "Rulebook", outage: OutageRule, budgets: "BudgetEngine") -> None:
        self._rulebook = rulebook
        self._outage = outage
        self._budgets = budgets

    async def is_ready(self) -> bool:
        """Answer whether every issuer's keys are there, the store can be asked, and budgets count.

        What can be spared for a while does not have to answer: the store where rows serve on or
        routes pass without them.
        """
        if not self._rulebook.verifier.ready or not await self._counts():
            return False
        return await self.store_answers() or self.outage().serves

    async def store_answers(self) -> bool:
        """Answer whether the store does."""
        return await self._outage.store_answers(self._rulebook)

    async def _counts(self) -> bool:
        try:
            await self._budgets.ping()
        except StoreUnavailable:
            return False
        return True

    def outage(self) -> OutageStatus:
        """Return what an outage of the store would mean now."""
        return self._outage.status(self._rulebook)

    def profiles(self) -> Collection[str]:
        """Return the names of the profiles that exist now."""
        return self._rulebook.removals.keys()

    def directory_rules(self) -> "DirectoryRules":
        """Return how rows start that say nothing else."""
        return self._rulebook.directory

    def issuers(self) -> "Sequence[IssuerStatus]":
        """Return how the keys of each issuer stand."""
        return self._rulebook.verifier.status()

    async def own_standings(self, request: "Request") -> "Sequence[LimitStanding]":
        """Return how the limits of whoever asks stand, without those of others.

        Raises:
            GatepassError: nobody in particular asks, or nobody knows.

        """
        return await own_standings(self._rulebook, self._budgets, request)

    def introspections(self) -> "Sequence[IntrospectionStatus]":
        """Return how asking about opaque tokens goes, for each issuer that is asked."""
        return self._rulebook.verifier.introspections()
