"""What a door needs of the Gate, and what it does when the Gate cannot answer.

Rules: a decision that is not there when the deadline comes is refused (503), and so is whatever
raises something that nobody expected; the latter is counted, and logged by its type alone, because
a message could quote the request (SEC-41, 60). All rules about requests stand behind the Gate.
"""

import asyncio
import logging
from typing import Protocol

from gatepass.plugin.decision import Decision, Deny
from gatepass.plugin.gateways.refusal_log import RefusalLog
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import Request

READY_SECONDS = 2.0
"""How long the Gate may take to say that it is ready."""

_log = logging.getLogger("gatepass.gateways")


class Decider(Protocol):
    """The Gate, as its doors see it."""

    def decide_warm(self, request: Request) -> Decision | None:
        """Return the decision if nothing has to be awaited for it, else None."""
        ...

    async def decide(self, request: Request) -> Decision:
        """Return the decision."""
        ...

    async def is_ready(self) -> bool:
        """Tell whether requests can be judged: keys are loaded, stores answer."""
        ...


class Judge:
    """Asks the Gate, and turns its silence or its failure into a refusal.

    `faults` counts the exceptions that nobody expected; it stays 0 unless there is a bug.
    """

    __slots__ = ("_decider", "_refusals", "faults")

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self._refusals = RefusalLog()
        self.faults = 0

    async def is_ready(self) -> bool:
        """Tell whether the Gate says in time that it can judge requests."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                return await self._decider.is_ready()
        except TimeoutError:
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not readiness
            self.fault(error)
            return False

    def decide_warm(self, request: Request) -> Decision | None:
        """Return the decision if nothing has to be awaited for it, else None."""
        return self._decider.decide_warm(request)

    async def decide(self, request: Request, until: float) -> Decision:
        """Return the decision, at the latest at `until`, a time of the running loop's clock."""
        try:
            async with asyncio.timeout_at(until):
                return await self._decider.decide(request)
        except TimeoutError:
            return refuse_for(Reason.DEADLINE)

    def note(self, refusal: Deny) -> None:
        """Let the log know of a refusal."""
        self._refusals.note(refusal)

    def fault(self, error: Exception) -> Deny:
        """Count and log an exception that nobody expected, and return the refusal for it."""
        self.faults += 1
        _log.error("a decision failed", extra={"fault": type(error).__name__})
        return refuse_for(Reason.INTERNAL)
