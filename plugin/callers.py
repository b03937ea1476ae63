"""From a verified token to a caller with rows; remembered, so that the second time is cheap.

What the rows said lives for `PRINCIPALS_TTL_SECONDS`: so long may a blocked user, a lowered limit
or the end of either go unnoticed (SEC-51) if no notice of the change comes; ages are judged by the
monotonic clock (SEC-66). That somebody is not stored, or may not be linked, lives for
`UNKNOWN_TTL_SECONDS`, so that strangers cost the store next to nothing; that the store failed is
not remembered. Who is asked for several times at once is looked up once. A check of the
deployment's own looks at the claims themselves, so with one every token is asked about once.

While the store is away, who is remembered goes on for as long as the settings say, less what
gatepass.rbac.outage takes from them. What a notice has ended never serves again.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from gatepass.jwks.clock import Clock
from gatepass.jwks.token import VerifiedToken
from gatepass.plugin.caller_memory import Barred, CallerMemory, Key
from gatepass.plugin.caller_rules import CallerRules
from gatepass.plugin.custom_check import CustomCheck
from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.changed import Changed, Notify, nobody_is_told
from gatepass.plugin.directory.notices import changed_by_looking_up, rows_behind, rows_changed
from gatepass.plugin.directory.resolved import Directory, Resolved
from gatepass.plugin.directory.watch import StoreWatch
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.known_caller import KnownCaller, Life
from gatepass.plugin.single_flight import SingleFlight
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.identity import Identity
from gatepass.rbac.outage import may_serve_stale, without_administration
from gatepass.rbac.standing import Standing
from gatepass.rbac.teams import TeamChoice

PRINCIPALS_TTL_SECONDS = 10.0
UNKNOWN_TTL_SECONDS = 5.0
STALE_PATIENCE_SECONDS = 1.0
"""How long the store may take where rows are remembered that would do."""

_TEAM_NOT_YOURS = AccessFault.TEAM_NOT_YOURS


class Found(NamedTuple):
    """A caller, and what looking them up brought about."""

    known: KnownCaller
    effects: tuple[Effect, ...] = ()


class Callers:
    """Callers seen lately; `stale_served` counts answers by rows that could not be read again.

    `store` knows whether the store is away; `tell` hears of what looking somebody up has changed.
    """

    def __init__(
        self,
        directory: Directory,
        clock: Clock,
        rules: CallerRules,
        store: StoreWatch | None = None,
        tell: Notify = nobody_is_told,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._rules = rules
        self._identify = rules.identify
        self._check = rules.custom_check
        self.store = store or StoreWatch(directory.ping)
        self.tell = tell
        self._flights: SingleFlight[Found] = SingleFlight()
        self.memory = CallerMemory()
        self.stale_served = 0

    def known(self, token: VerifiedToken, team: str | None) -> KnownCaller | None:
        """Return the caller if everything about them is in memory and may be used.

        Raises:
            AccessDenied: the caller may not be here at all.

        """
        memory = self.memory
        known = memory.by_token.get((token.digest, team))
        if known is not None and self._clock.monotonic() < known.life.good_until:
            return known
        key = self._identify(token), team
        entry = self._remembered(key)
        if self._check is None and entry is not None:
            memory.keep_token((token.digest, team), entry)
            return entry
        if not self.store.away:
            return None
        return self._stale(known if self._check is not None else memory.by_identity.get(key))

    async def find(self, token: VerifiedToken, team: str | None, *, fresh: bool = False) -> Found:
        """Return the caller, asking the directory when it must, or, if `fresh`, always.

        Raises:
            AccessDenied: the caller may not be here at all.
            StoreUnavailable: the directory does not answer.
            CustomCheckFailed: the deployment's own check does not answer.
            GroupsNotResolved: nor does its function for groups.

        """
        key = self._identify(token), team
        if fresh:
            found = await self._look_up(token, key)
        else:
            known = self.known(token, team)
            if known is not None:
                return Found(known)
            found = await self._find(token, key)
        if self._check is not None and found.known.standing.late is None:
            found = found._replace(known=await _checked(self._check, token, found.known))
        self.memory.keep_token((token.digest, team), found.known)
        return found

    async def find_without_rows(self, token: VerifiedToken) -> KnownCaller | None:
        """Return whoever may act by their token alone, as the store is away; else None.

        Raises:
            AccessDenied: the token itself says no.
            CustomCheckFailed: the deployment's own check does not answer.

        """
        known = self._rules.judge_without_rows(self._identify(token))
        if known is None or not await self.store.is_away():
            return None
        if self._check is not None and known.standing.late is None:
            return await _checked(self._check, token, known)
        return known

    def announce(self, changes: Sequence[Changed]) -> None:
        """Forget whoever depends on what was changed, at once, and tell others of it."""
        self.memory.forget(rows_changed(changes))
        self.tell(changes)

    def could_serve(self) -> bool:
        """Answer whether anybody would be served while the store is away."""
        return self._clock.monotonic() < self.memory.stale_until

    async def _find(self, token: VerifiedToken, key: Key) -> Found:
        known = self._remembered(key)
        if known is not None:
            return Found(known)
        try:
            # who comes after a notice does not get what was read before it
            found, is_ours = await self._flights.ask(
                (key, self.memory.notices), partial(self._look_up, token, key)
            )
        except StoreUnavailable:
            if not await self.store.is_away():
                raise
            stale = self._stale(self.memory.by_identity.get(key))
            if stale is None:
                raise
            return Found(stale)
        return found if is_ours else Found(found.known)

    def _remembered(self, key: Key) -> KnownCaller | None:
        """Return whom the rows are remembered of, whatever else the token says."""
        entry = self.memory.by_identity.get(key)
        if entry is None or self._clock.monotonic() >= entry.good_until:
            return None
        if isinstance(entry, Barred):
            if entry.notices != self.memory.notices:
                return None
            raise AccessDenied(entry.fault)
        return entry

    def _stale(
        self, entry: KnownCaller | Barred | None, *, count: bool = True
    ) -> KnownCaller | None:
        """Return a caller by rows that are old, if they may serve while the store is away."""
        if not isinstance(entry, KnownCaller):
            return None
        if self._clock.monotonic() >= entry.life.stale_until:
            return None
        self.stale_served += count
        return entry.everywhere(without_administration)

    async def _look_up(self, token: VerifiedToken, key: Key) -> Found:
        """Find out about whoever the token names, and remember it by what the token said."""
        said, team = key
        memory, now, since = self.memory, self._clock.monotonic(), self.memory.notices
        identity = await self._rules.complete(token) if said.groups_withheld else said
        choice = self._rules.choose_team(identity, team)
        good_until = now + UNKNOWN_TTL_SECONDS
        try:
            candidates, effects = await self._resolve(identity, choice, key)
            good_until = now + PRINCIPALS_TTL_SECONDS
            rows = rows_behind(identity, choice, candidates)
            is_true = memory.still_holds(since, rows)
            if effects:
                self.announce(changed_by_looking_up(effects, candidates))
            if is_true:
                since = memory.notices
            known = self._rules.judge(identity, candidates, Life(good_until))
        except AccessDenied as denied:
            if denied.fault is not _TEAM_NOT_YOURS:  # or a header could push out everybody else
                memory.bar(key, denied.fault, good_until, since)
            raise
        if all(may_serve_stale(one.standing) for one in (known, *known.others)):
            known.life.stale_until = good_until + self._rules.serve_stale_seconds
        if is_true:
            memory.keep(key, known, rows)
        else:  # it serves those who wait for it
            known.life.end()
        return Found(known, effects)

    async def _resolve(self, identity: Identity, choice: TeamChoice, key: Key) -> Resolved:
        would_do = self._stale(self.memory.by_identity.get(key), count=False)
        try:
            async with self.store.asking():
                question = self._directory.resolve(identity, choice)
                if would_do is None:
                    return await question
                return await self.store.patience.ask(STALE_PATIENCE_SECONDS, question)
        except TimeoutError as error:
            raise StoreUnavailable from error


async def _checked(check: CustomCheck, token: VerifiedToken, known: KnownCaller) -> KnownCaller:
    """Let the deployment's own check look at the claims; its no is raised in its turn."""
    if not await check.refuses(token.claims):
        return known
    return known.everywhere(_refused_late)


def _refused_late(standing: Standing) -> Standing:
    return replace(standing, late=AccessFault.CUSTOM_CHECK_DENIED)
