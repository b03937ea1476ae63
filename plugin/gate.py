"""The one ordered pipeline: a gateway's Request goes in, a Decision comes out.

    1 route · 2 credential · 3 verify · 4 identify · 5 directory · 6 authorize · 7 budgets

`decide_warm` answers at once, or says None when something would have to be awaited; `decide` always
answers and never raises. Every error of ours becomes the refusal that reasons.py names; any other
exception is a bug: it is counted in `faults`, logged by its type alone, and answered with 503.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.jwks.errors import GatepassError
from gatepass.plugin.admission import Admissible, admit, admit_now, call_to_admit
from gatepass.plugin.budgets.engine import BudgetEngine
from gatepass.plugin.calls import to_call
from gatepass.plugin.decision import Allow, BodyWanted, Decision, Deny, Effect
from gatepass.plugin.directory.resolved import Directory
from gatepass.plugin.gate_status import GateStatus
from gatepass.plugin.inspection import HeaderFacts
from gatepass.plugin.known_caller import KnownCaller, Life, who_acts, who_may_call
from gatepass.plugin.naming import name_models, wants_body
from gatepass.plugin.outage import OutageRule
from gatepass.plugin.reasons import REASON_BY_CODE, Reason
from gatepass.plugin.refusals import refuse, refuse_for
from gatepass.plugin.request import BodyState, Request
from gatepass.plugin.request_ids import RequestIds
from gatepass.plugin.routing import Route
from gatepass.plugin.rulebook import Rulebook, begin_after, end, make_rulebook
from gatepass.plugin.settling import Books
from gatepass.plugin.store_health import StoreHealth
from gatepass.rbac.checks import check_call
from gatepass.rbac.grace import grace_on

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from gatepass.jwks.fetcher import Fetcher
    from gatepass.jwks.replays import Proof
    from gatepass.plugin.caller_memory import CallerMemory
    from gatepass.plugin.directory.changed import Changed
    from gatepass.plugin.directory.database import Database
    from gatepass.plugin.explanation import Finding
    from gatepass.plugin.opening import Stores
    from gatepass.plugin.refusals import Schemes
    from gatepass.plugin.settings import Settings

_log = logging.getLogger("gatepass.gate")

Trace = Callable[["Finding"], None]
"""Receives what each step found, of a decision that somebody asked to have explained."""


def _untraced(_found: "Finding") -> None:
    """Nobody asked for an explanation."""


_BODY_NOT_SHOWN = (Reason.BODY_NOT_SHOWN, refuse_for(Reason.BODY_NOT_SHOWN).response_headers)
_NOT_READ = BodyState.NOT_READ


class Gate(GateStatus, Books):
    """Judges requests by one rulebook at a time; `faults` counts our own bugs.

    `database` is where the rows are, for those who change them; None for a directory without one.
    """

    def __init__(
        self,
        rulebook: Rulebook,
        budgets: BudgetEngine,
        directory: Directory,
        clock: Clock,
        fetcher: "Fetcher | None" = None,
    ) -> None:
        super().__init__(rulebook, OutageRule(StoreHealth(directory, clock)), budgets)
        self._directory = directory
        self._clock = clock
        self._fetcher = fetcher
        self._ids = RequestIds()
        self.faults = 0
        self.database: Database | None = None

    def decide_warm(  # noqa: PLR0911 - one return for every step that can end it
        self, request: Request
    ) -> Decision | None:
        """Decide without waiting, or return None when only `decide` can; never raises."""
        rulebook = self._rulebook
        try:
            route = rulebook.router.read(request)
            facts = rulebook.inspector.inspect(request)
            if route.public:
                return self._allow_public(rulebook, request, route, facts)
            if facts.token is None:
                return rulebook.no_token
            token = rulebook.verifier.verify_warm(facts.token)
            if token is None:
                return None
            proof = None
            if facts.by_dpop or token.confirmation is not None:
                proof = rulebook.possession.check(token, facts, request, route.path)
            known = rulebook.callers.known(token, facts.team)
            if known is None:
                return None
            judged = self._judge(rulebook, route, facts, token.digest, proof, known, request)
            return admit_now(self._budgets, judged)
        except GatepassError as error:
            return self._refuse(error, rulebook.schemes)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            return self._fault(error)

    async def decide(
        self, request: Request, trace: Trace = _untraced, *, fresh: bool = False
    ) -> Decision:
        """Decide, waiting for keys and rows where it must; never raises.

        `trace` is told each step as it is taken, for whoever wants the decision explained. With
        `fresh` no remembered row counts: what is asked for is too weighty for one.
        """
        rulebook = self._rulebook
        try:
            route = rulebook.router.read(request)
            trace(route)
            facts = rulebook.inspector.inspect(request)
            trace(facts)
            if route.public:
                return self._allow_public(rulebook, request, route, facts)
            if facts.token is None:
                return rulebook.no_token
            token = await rulebook.verifier.verify(facts.token)
            trace(token)
            proof = rulebook.possession.check(token, facts, request, route.path)
            known, effects = await self._outage.find(
                rulebook, route, request.method, token, facts.team, fresh=fresh
            )
            trace(known)
            judged = self._judge(
                rulebook, route, facts, token.digest, proof, known, request, effects, trace
            )
            return await admit(self._budgets, judged)
        except GatepassError as error:
            return self._refuse(error, rulebook.schemes)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            return self._fault(error)

    @staticmethod
    def open(
        settings: "Settings",
        *,
        clock: Clock = SYSTEM_CLOCK,
        fetcher: "Fetcher | None" = None,
        stores: "Stores | None" = None,
    ) -> "AbstractAsyncContextManager[Gate]":
        """Return the context in which a Gate for these settings is open.

        `fetcher` gets the issuers' documents in place of our own; `stores` takes the place of the
        store that the settings name.

        Raises:
            ConfigurationError: on entering, when the store or the process's place is not to be had.

        """
        from gatepass.plugin.opening import open_gate  # noqa: PLC0415 - it imports this module

        return open_gate(settings, clock=clock, fetcher=fetcher, stores=stores)

    async def start(self) -> None:
        """Load the issuers' keys, as far as they can be reached, and keep them fresh."""
        await self._rulebook.verifier.start()

    async def close(self) -> None:
        """Stop refreshing keys and watching the store; whoever opened the store closes it."""
        await self._rulebook.callers.store.close()
        await self._rulebook.verifier.close()

    async def adopt(self, settings: "Settings") -> None:
        """Judge by new settings from now on; requests under way finish by the old ones.

        It returns when those ask the issuers for nothing any more.
        """
        from gatepass.plugin.settings import compile_settings  # noqa: PLC0415 - heavy, and rare

        compiled = compile_settings(settings, fetcher=self._fetcher)
        callers = self._rulebook.callers
        rulebook = make_rulebook(
            compiled, self._directory, self._clock, callers.store, callers.tell
        )
        await begin_after(rulebook, self._rulebook)
        self._budgets.rules = rulebook.engine_rules
        replaced, self._rulebook = self._rulebook, rulebook
        await end(replaced)

    def announce(self, changes: "Sequence[Changed]") -> None:
        """Have everybody forget whoever depends on changed rows; this process at once."""
        self._rulebook.callers.announce(changes)

    def remembered(self) -> "CallerMemory":
        """Return the memory of callers, until the next reload."""
        return self._rulebook.callers.memory

    def _judge(  # noqa: PLR0913, PLR0917 - the two ways here know the same things
        self,
        rulebook: Rulebook,
        route: Route,
        facts: HeaderFacts,
        digest: bytes,
        proof: "Proof | None",
        known: KnownCaller,
        request: Request,
        effects: tuple[Effect, ...] = (),
        trace: Trace | None = None,
    ) -> Admissible | BodyWanted:
        """Take step 6, which never waits, and say what step 7 has to reserve."""
        method, path = request.method, route.path
        fitting = who_may_call(known, route.profile, method, path)
        if request.body is _NOT_READ and wants_body(request, route):
            judge = partial(
                self._judge, rulebook, route, facts, digest, proof, known, effects=effects
            )
            conclude = partial(self._conclude, rulebook, request, known.life, judge)
            who = known.caller.identity.issuer, known.caller.identity.subject
            return BodyWanted(*_BODY_NOT_SHOWN, who=who, conclude=conclude)
        naming = name_models(request, route, facts, fitting)
        if trace is not None:
            trace(naming)
        known, naming = who_acts(fitting, method, path, naming)
        call = to_call(request, route, facts, naming, known.standing.role)
        if trace is not None:
            trace(call)
        check_call(route.profile, known.standing, call)
        request_id = self._ids.name(request, digest)
        grace = grace_on(route.profile.grace, method, path)
        reservation = call_to_admit(
            self._budgets, rulebook.prices, request_id, known, naming, self._clock.wall(), grace
        )
        gone = rulebook.removals[route.profile.name].after(facts)
        allow = Allow(request_id, known.caller, known.set_headers, gone, effects)
        use = None if proof is None else partial(rulebook.possession.use, proof, request)
        return Admissible(allow, reservation, use)

    def _conclude(
        self,
        rulebook: Rulebook,
        request: Request,
        life: Life,
        judge: Callable[[Request], Admissible | BodyWanted],
        body: bytes | BodyState,
    ) -> Decision | None:
        """Go on with a request whose body was read since; not with rows that are old by now."""
        if self._clock.monotonic() >= life.good_until:
            return None
        try:
            return admit_now(self._budgets, judge(msgspec.structs.replace(request, body=body)))
        except GatepassError as error:
            return self._refuse(error, rulebook.schemes)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            return self._fault(error)

    def _allow_public(
        self, rulebook: Rulebook, request: Request, route: Route, facts: HeaderFacts
    ) -> Allow:
        gone = rulebook.removals[route.profile.name].after(facts)
        return Allow(self._ids.name(request, b""), None, (), gone)

    def _refuse(self, error: GatepassError, schemes: "Schemes") -> Deny:
        if error.code not in REASON_BY_CODE:  # an error that was never meant to come this far
            return self._fault(error)
        return refuse(error, schemes)

    def _fault(self, error: Exception) -> Deny:
        self.faults += 1
        _log.error("internal fault", extra={"fault": type(error).__name__})
        return refuse_for(Reason.INTERNAL)
