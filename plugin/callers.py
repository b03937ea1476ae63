"""From a verified token to a caller with rows, and the memory that makes the second time cheap.

Two memories, both bounded, oldest first out: callers by the digest of their token, and by all that
the token says about them, so that a person's next token needs no store either. What the rows said
lives for `PRINCIPALS_TTL_SECONDS`: so long may a blocked user, a lowered limit or the end of
either go unnoticed (SEC-51). Keys are typed tuples and never text put together (SEC-49), ages are
judged by the monotonic clock (SEC-66). That somebody is not stored, or may not be linked, lives for
`UNKNOWN_TTL_SECONDS`, so that strangers cost the store next to nothing; that the store failed is
not remembered. A check of the deployment's own looks at the claims themselves, so with one every
token is asked about once.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from msgspec.structs import replace

from gatepass.jwks.clock import Clock
from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.custom_check import CustomCheck
from gatepass.plugin.decision import Caller, Effect
from gatepass.plugin.directory.resolved import Resolved
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.headers import Header
from gatepass.plugin.known_caller import KnownCaller
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.principals import Principals
from gatepass.rbac.standing import Standing
from gatepass.rbac.teams import TeamChoice

PRINCIPALS_TTL_SECONDS = 10.0
UNKNOWN_TTL_SECONDS = 5.0
MAX_ENTRIES = 10_000

_TEAM_NOT_YOURS = AccessFault.TEAM_NOT_YOURS
_Value = TypeVar("_Value")


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


@dataclass(frozen=True, slots=True)
class _Barred:
    """Somebody whose rows say no; remembered like any caller, so that asking again is cheap."""

    fault: AccessFault
    good_until: float


@dataclass(frozen=True, slots=True)
class CallerRules:
    """How one generation of settings reads a token and judges whoever it names.

    `complete` reads a token together with the groups that it leaves out.
    """

    identify: Callable[[VerifiedToken], Identity]
    complete: Callable[[VerifiedToken], Awaitable[Identity]]
    choose_team: Callable[[Identity, str | None], TeamChoice]
    stand: Callable[[Identity, Principals], Standing]
    upstream_headers: Callable[[Caller], tuple[Header, ...]]
    custom_check: CustomCheck | None = None


class Callers:
    """Callers seen lately."""

    __slots__ = (
        "_by_digest",
        "_by_identity",
        "_check",
        "_choose_team",
        "_clock",
        "_complete",
        "_directory",
        "_identify",
        "_say",
        "_stand",
    )

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        rules: CallerRules,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._identify = rules.identify
        self._complete = rules.complete
        self._choose_team = rules.choose_team
        self._stand = rules.stand
        self._say = rules.upstream_headers
        self._check = rules.custom_check
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
        entry = self._remembered(self._identify(token), team)
        if entry is None or self._check is not None:
            return None
        _remember(self._by_digest, (token.digest, team), entry)
        return entry

    async def find(
        self, token: VerifiedToken, team: str | None
    ) -> tuple[KnownCaller, tuple[Effect, ...]]:
        """Return the caller, asking the directory when it must, and what that brought about.

        Raises:
            AccessDenied: the caller may not be here at all.
            StoreUnavailable: the directory does not answer.
            CustomCheckFailed: the deployment's own check does not answer.
            GroupsNotResolved: nor does its function for groups.

        """
        known = self.known(token, team)
        if known is not None:
            return known, ()
        identity = self._identify(token)
        effects: tuple[Effect, ...] = ()
        known = self._remembered(identity, team)
        if known is None:
            known, effects = await self._look_up(token, identity, team)
        if self._check is not None and known.standing.late is None:
            known = await _checked(self._check, token, known)
        _remember(self._by_digest, (token.digest, team), known)
        return known, effects

    def _remembered(self, identity: Identity, team: str | None) -> KnownCaller | None:
        """Return whom the rows are remembered of, whatever else the token says."""
        entry = self._by_identity.get((identity, team))
        if entry is None or self._clock.monotonic() >= entry.good_until:
            return None
        if isinstance(entry, _Barred):
            raise AccessDenied(entry.fault)
        return entry

    async def _look_up(
        self, token: VerifiedToken, said: Identity, team: str | None
    ) -> tuple[KnownCaller, tuple[Effect, ...]]:
        """Find out about whoever the token names, and remember it by what the token said."""
        now = self._clock.monotonic()
        identity = await self._complete(token) if said.groups_withheld else said
        choice = self._choose_team(identity, team)
        good_until = now + UNKNOWN_TTL_SECONDS
        try:
            candidates, effects = await self._directory.resolve(identity, choice)
            good_until = now + PRINCIPALS_TTL_SECONDS
            known = self._caller(identity, candidates, good_until)
        except AccessDenied as denied:
            if denied.fault is not _TEAM_NOT_YOURS:  # or a header could push out everybody else
                _remember(self._by_identity, (said, team), _Barred(denied.fault, good_until))
            raise
        _remember(self._by_identity, (said, team), known)
        return known, effects

    def _caller(
        self, identity: Identity, candidates: Sequence[Principals], good_until: float
    ) -> KnownCaller:
        """Return the caller for the first team that does not bar them, with the others behind it.

        Raises:
            AccessDenied: every team does; it says why the first does.

        """
        found: list[KnownCaller] = []
        faults: list[AccessFault] = []
        for principals in candidates:
            try:
                found.append(self._acting(identity, principals, good_until))
            except AccessDenied as denied:
                if not found:
                    faults.append(denied.fault)
        if not found:
            raise AccessDenied(faults[0])
        if len(found) == 1 and not faults:
            return found[0]
        return replace(found[0], others=tuple(found[1:]), barred=faults[0] if faults else None)

    def _acting(self, identity: Identity, principals: Principals, good_until: float) -> KnownCaller:
        standing = self._stand(identity, principals)
        caller = Caller(identity, principals, standing.role)
        limits = _limits_of(principals)
        return KnownCaller(
            caller=caller,
            set_headers=self._say(caller),
            limits=limits,
            standing=standing,
            model_decides=bool(limits) or standing.model_decides,
            good_until=good_until,
        )


async def _checked(check: CustomCheck, token: VerifiedToken, known: KnownCaller) -> KnownCaller:
    """Let the deployment's own check look at the claims; its no is raised in its turn."""
    if not await check.refuses(token.claims):
        return known
    others = tuple(_refused_late(other) for other in known.others)
    return replace(_refused_late(known), others=others)


def _refused_late(known: KnownCaller) -> KnownCaller:
    standing = replace(known.standing, late=AccessFault.CUSTOM_CHECK_DENIED)
    return replace(known, standing=standing)


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
