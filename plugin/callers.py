"""From a verified token to a caller with rows, and the memory that makes the second time cheap.

Two memories, both bounded, oldest first out: callers by the digest of their token, and rows by who
the token says it is, so that a person's next token needs no store either. Rows live for
`PRINCIPALS_TTL_SECONDS`: that is how long a blocked user or a lowered limit may go unnoticed
(SEC-51). Keys are typed tuples (SEC-49), ages are judged by the monotonic clock (SEC-66), and
refusals are not remembered.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from gatepass.jwks.clock import Clock
from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.decision import Caller, Effect
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.headers import Header
from gatepass.rbac.authorize import binding_rules, check_standing, effective_role
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


@dataclass(frozen=True, slots=True)
class KnownCaller:
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
class _Rows:
    principals: Principals
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
        self._by_identity: OrderedDict[Hashable, _Rows] = OrderedDict()

    def known(self, token: VerifiedToken, team: str | None) -> KnownCaller | None:
        """Return the caller if everything about them is in memory and fresh.

        Raises:
            AccessDenied: the caller may not be here at all.

        """
        now = self._clock.monotonic()
        entry = self._by_digest.get((token.digest, team))
        if entry is not None and now < entry.good_until:
            return entry
        identity = self._identify(token)
        rows = self._by_identity.get(_key(identity, choose_team(identity, team)))
        if rows is None or now >= rows.good_until:
            return None
        return self._enter(token, team, identity, rows)

    async def find(
        self, token: VerifiedToken, team: str | None
    ) -> tuple[KnownCaller, tuple[Effect, ...]]:
        """Return the caller, asking the directory when it must, and what that brought about.

        Raises:
            AccessDenied: the caller may not be here at all.
            StoreUnavailable: the directory does not answer.

        """
        entry = self.known(token, team)
        if entry is not None:
            return entry, ()
        identity = self._identify(token)
        choice = choose_team(identity, team)
        asked_at = self._clock.monotonic()
        principals, effects = await self._directory.resolve(identity, choice)
        rows = _Rows(principals, asked_at + PRINCIPALS_TTL_SECONDS)
        _remember(self._by_identity, _key(identity, choice), rows)
        return self._enter(token, team, identity, rows), effects

    def _enter(
        self, token: VerifiedToken, team: str | None, identity: Identity, rows: _Rows
    ) -> KnownCaller:
        principals = rows.principals
        check_standing(principals)
        caller = Caller(identity, principals, effective_role(identity, principals))
        rules = binding_rules(principals)
        limits = _limits_of(principals)
        entry = KnownCaller(
            caller=caller,
            set_headers=self._say(caller),
            limits=limits,
            rules=rules,
            model_decides=bool(limits or rules),
            good_until=rows.good_until,
        )
        _remember(self._by_digest, (token.digest, team), entry)
        return entry


def _key(identity: Identity, choice: TeamChoice) -> Hashable:
    """Name the rows of a caller by everything that the directory looks at."""
    return (
        identity.issuer,
        identity.subject,
        identity.user_id,
        identity.email if identity.email_verified else None,
        identity.organization,
        identity.end_user,
        choice,
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
