"""From a verified token to a caller with rows, and the memory that makes the second time cheap.

Two memories, both bounded, oldest first out: callers by the digest of their token, and by all that
the token says about them, so that a person's next token needs no store either. What the rows said
lives for `PRINCIPALS_TTL_SECONDS`: so long may a blocked user, a lowered limit or the end of
either go unnoticed (SEC-51). Keys are typed tuples and never text put together (SEC-49), ages are
judged by the monotonic clock (SEC-66). That somebody is not stored is not remembered.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from gatepass.jwks.clock import Clock
from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.decision import Caller, Effect
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.headers import Header
from gatepass.rbac.authorize import binding_rules, check_standing, effective_role
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.models import ModelRule
from gatepass.rbac.principals import Principals
from gatepass.rbac.teams import TeamChoice, choose_team

PRINCIPALS_TTL_SECONDS = 10.0
MAX_ENTRIES = 10_000

_Value = TypeVar("_Value")


class Directory(Protocol):
    """Where the rows are; see gatepass.plugin.directory.store."""

    def with_rules(self, rules: DirectoryRules) -> "Directory":
        """Return the same directory, going by other rules."""
        ...

    async def resolve(
        self, identity: Identity, team: TeamChoice
    ) -> tuple[Principals, tuple[Effect, ...]]:
        """Load the rows of a caller, making those that the rules allow to make."""
        ...

    async def ping(self) -> None:
        """Raise StoreUnavailable when the store cannot be read."""
        ...


class KnownCaller(msgspec.Struct, frozen=True):
    """A caller with all that does not change from request to request.

    `rules` are the model rules of the rows; `model_decides` is true when one of them or a money
    limit needs to know the model.
    `good_until` is on the monotonic clock.
    """

    caller: Caller
    set_headers: tuple[Header, ...]
    limits: tuple[AppliedLimit, ...]
    rules: tuple[ModelRule, ...]
    model_decides: bool
    good_until: float


@dataclass(frozen=True, slots=True)
class _Barred:
    """Somebody whose rows say no; remembered like any caller, so that asking again is cheap."""

    fault: AccessFault
    good_until: float


class Callers:
    """Callers seen lately."""

    __slots__ = (
        "_by_digest",
        "_by_identity",
        "_clock",
        "_directory",
        "_identify",
        "_say",
    )

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        identify: Callable[[VerifiedToken], Identity],
        upstream_headers: Callable[[Caller], tuple[Header, ...]],
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._identify = identify
        self._say = upstream_headers
        self._by_digest: OrderedDict[Hashable, KnownCaller] = OrderedDict()
        self._by_identity: OrderedDict[Hashable, KnownCaller | _Barred] = OrderedDict()

    def known(self, token: VerifiedToken, team: str | None) -> KnownCaller | None:
        """Return the caller if everything about them is in memory and fresh.

        Raises:
            AccessDenied: the caller may not be here at all.

        """
        now = self._clock.monotonic()
        known = self._by_digest.get((token.digest, team))
        if known is not None and now < known.good_until:
            return known
        entry = self._by_identity.get((self._identify(token), team))
        if entry is None or now >= entry.good_until:
            return None
        if isinstance(entry, _Barred):
            raise AccessDenied(entry.fault)
        _remember(self._by_digest, (token.digest, team), entry)
        return entry

    async def find(
        self, token: VerifiedToken, team: str | None
    ) -> tuple[KnownCaller, tuple[Effect, ...]]:
        """Return the caller, asking the directory when it must, and what that brought about.

        Raises:
            AccessDenied: the caller may not be here at all.
            StoreUnavailable: the directory does not answer.

        """
        known = self.known(token, team)
        if known is not None:
            return known, ()
        identity = self._identify(token)
        choice = choose_team(identity, team)
        good_until = self._clock.monotonic() + PRINCIPALS_TTL_SECONDS
        principals, effects = await self._directory.resolve(identity, choice)
        try:
            known = self._caller(identity, principals, good_until)
        except AccessDenied as denied:
            _remember(self._by_identity, (identity, team), _Barred(denied.fault, good_until))
            raise
        _remember(self._by_identity, (identity, team), known)
        _remember(self._by_digest, (token.digest, team), known)
        return known, effects

    def _caller(self, identity: Identity, principals: Principals, good_until: float) -> KnownCaller:
        check_standing(principals)
        caller = Caller(identity, principals, effective_role(identity, principals))
        rules = binding_rules(principals)
        limits = _limits_of(principals)
        return KnownCaller(
            caller=caller,
            set_headers=self._say(caller),
            limits=limits,
            rules=rules,
            model_decides=bool(limits or rules),
            good_until=good_until,
        )


def _remember(memory: OrderedDict[Hashable, _Value], key: Hashable, value: _Value) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > MAX_ENTRIES:
        memory.popitem(last=False)


def _limits_of(principals: Principals) -> tuple[AppliedLimit, ...]:
    """Return the money limits that apply, in the order in which they are named."""
    limits = []
    if principals.team is not None and principals.team.budget is not None:
        limits.append(AppliedLimit("team", principals.team.team_id, principals.team.budget))
    if principals.user is not None and principals.user.budget is not None:
        limits.append(AppliedLimit("user", principals.user.user_id, principals.user.budget))
    return tuple(limits)
