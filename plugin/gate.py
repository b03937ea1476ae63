"""The one ordered pipeline: a gateway's Request goes in, a Decision comes out.

    1 route · 2 credential · 3 verify · 4 identify · 5 directory · 6 authorize · 7 budgets

`decide_warm` answers at once, or says None when something would have to be awaited; `decide` always
answers and never raises. Every error of ours becomes the refusal that reasons.py names; any other
exception is a bug: it is counted in `faults`, logged by its type alone, and answered with 503.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.jwks.errors import GatepassError
from gatepass.jwks.introspection import IntrospectionStatus
from gatepass.jwks.status import IssuerStatus
from gatepass.plugin.admission import admit
from gatepass.plugin.budgets.memory import MemoryBudgets, Settlement
from gatepass.plugin.callers import Directory
from gatepass.plugin.calls import to_call
from gatepass.plugin.decision import Allow, BodyWanted, Decision, Deny, Effect
from gatepass.plugin.inspection import HeaderFacts
from gatepass.plugin.known_caller import KnownCaller, who_acts, who_may_call
from gatepass.plugin.metering.prices import Usage
from gatepass.plugin.naming import name_models, wants_body
from gatepass.plugin.reasons import REASON_BY_CODE, Reason
from gatepass.plugin.refusals import refuse, refuse_for
from gatepass.plugin.request import BodyState, Request
from gatepass.plugin.request_ids import RequestIds
from gatepass.plugin.routing import Route
from gatepass.plugin.rulebook import Rulebook, begin_after, end, make_rulebook
from gatepass.plugin.store_health import StoreHealth
from gatepass.rbac.checks import check_call

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from gatepass.jwks.fetcher import Fetcher
    from gatepass.jwks.replays import Proof
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


class Gate:
    """Judges requests by one rulebook at a time; `faults` counts our own bugs."""

    def __init__(
        self,
        rulebook: Rulebook,
        budgets: MemoryBudgets,
        directory: Directory,
        clock: Clock,
        fetcher: "Fetcher | None" = None,
    ) -> None:
        self._rulebook = rulebook
        self._budgets = budgets
        self._directory = directory
        self._store_health = StoreHealth(directory, clock)
        self._clock = clock
        self._fetcher = fetcher
        self._ids = RequestIds()
        self.faults = 0

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
            return self._judge(rulebook, route, facts, token.digest, proof, known, request)
        except GatepassError as error:
            return self._refuse(error, rulebook.schemes)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            return self._fault(error)

    async def decide(self, request: Request, trace: Trace = _untraced) -> Decision:
        """Decide, waiting for keys and rows where it must; never raises.

        `trace` is told each step as it is taken, for whoever wants the decision explained.
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
            known, effects = await rulebook.callers.find(token, facts.team)
            trace(known)
            return self._judge(
                rulebook, route, facts, token.digest, proof, known, request, effects, trace
            )
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
        """Stop refreshing keys; the store is closed by whoever opened it."""
        await self._rulebook.verifier.close()

    async def adopt(self, settings: "Settings") -> None:
        """Judge by new settings from now on; requests under way finish by the old ones.

        It returns when those ask the issuers for nothing any more.
        """
        from gatepass.plugin.settings import compile_settings  # noqa: PLC0415 - heavy, and rare

        compiled = compile_settings(settings, fetcher=self._fetcher)
        rulebook = make_rulebook(compiled, self._directory, self._clock)
        await begin_after(rulebook, self._rulebook)
        replaced, self._rulebook = self._rulebook, rulebook
        await end(replaced)

    async def is_ready(self) -> bool:
        """Answer whether every issuer's keys are there and the store answers."""
        return self._rulebook.verifier.ready and await self.store_answers()

    async def store_answers(self) -> bool:
        """Answer whether the store does."""
        return await self._store_health.answers()

    def profiles(self) -> Collection[str]:
        """Return the names of the profiles that exist now."""
        return self._rulebook.removals.keys()

    def issuers(self) -> Sequence[IssuerStatus]:
        """Return how the keys of each issuer stand."""
        return self._rulebook.verifier.status()

    def introspections(self) -> Sequence[IntrospectionStatus]:
        """Return how asking about opaque tokens goes, for each issuer that is asked."""
        return self._rulebook.verifier.introspections()

    def may_be_settled(self, request_id: str) -> bool:
        """Tell whether a reservation of this request is remembered, settled or not."""
        return self._budgets.remembers(request_id)

    async def settle(self, request_id: str, usage: Usage) -> Settlement:
        """Replace the reservation of an allowed request by what it really cost; idempotent.

        A request that reserved nothing (no limit applied) is UNKNOWN here, which is no error.
        """
        price = self._budgets.price_of(request_id)
        if price is None:
            return Settlement.UNKNOWN
        return self._budgets.settle(request_id, price.cost_nano(usage))

    async def settle_cost(self, request_id: str, cost_nano: int) -> Settlement:
        """Replace the reservation by a cost in nano-dollars that the upstream named; idempotent."""
        return self._budgets.settle(request_id, cost_nano)

    async def release(self, request_id: str) -> Settlement:
        """Give back the reservation of an allowed request that was never made; idempotent."""
        return self._budgets.release(request_id)

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
    ) -> Allow | BodyWanted:
        """Take steps 6 and 7, which never wait."""
        method, path = request.method, route.path
        fitting = who_may_call(known, route.profile, method, path)
        if request.body is _NOT_READ and wants_body(request, route):
            judge = partial(
                self._judge, rulebook, route, facts, digest, proof, known, effects=effects
            )
            conclude = partial(self._conclude, rulebook, request, known.good_until, judge)
            who = known.caller.identity.issuer, known.caller.identity.subject
            return BodyWanted(*_BODY_NOT_SHOWN, who=who, conclude=conclude)
        naming = name_models(request, route, facts, model_decides=fitting.model_decides)
        if trace is not None:
            trace(naming)
        known, naming = who_acts(fitting, method, path, naming)
        call = to_call(request, route, facts, naming, known.standing.role)
        if trace is not None:
            trace(call)
        check_call(route.profile, known.standing, call)
        if proof is not None:
            rulebook.possession.use(proof, request)
        request_id = self._ids.name(request, digest)
        admit(self._budgets, rulebook.prices, request_id, known.limits, naming)
        removals = rulebook.removals[route.profile.name]
        gone = removals.with_connection if facts.drop_connection else removals.usual
        return Allow(request_id, known.caller, known.set_headers, gone, effects)

    def _conclude(
        self,
        rulebook: Rulebook,
        request: Request,
        good_until: float,
        judge: Callable[[Request], Decision],
        body: bytes | BodyState,
    ) -> Decision | None:
        """Go on with a request whose body was read since; not with rows that are old by now."""
        if self._clock.monotonic() >= good_until:
            return None
        try:
            return judge(msgspec.structs.replace(request, body=body))
        except GatepassError as error:
            return self._refuse(error, rulebook.schemes)
        except Exception as error:  # noqa: BLE001 - the outermost handler: the unknown is refused
            return self._fault(error)

    def _allow_public(
        self, rulebook: Rulebook, request: Request, route: Route, facts: HeaderFacts
    ) -> Allow:
        removals = rulebook.removals[route.profile.name]
        gone = removals.with_connection if facts.drop_connection else removals.usual
        return Allow(self._ids.name(request, b""), None, (), gone)

    def _refuse(self, error: GatepassError, schemes: "Schemes") -> Deny:
        if error.code not in REASON_BY_CODE:  # an error that was never meant to come this far
            return self._fault(error)
        return refuse(error, schemes)

    def _fault(self, error: Exception) -> Deny:
        self.faults += 1
        _log.error("internal fault", extra={"fault": type(error).__name__})
        return refuse_for(Reason.INTERNAL)
