"""The memory of callers: two tables, what can make them wrong, and how they forget.

Callers are kept by the digest of their token, and by all that the token says about them, so that a
person's next token needs no store either. Both tables are bounded, oldest first out. Keys are typed
tuples and never text put together (SEC-49).

All entries that came of one question share one `Life`; ending it ends them wherever they are kept.
Notices find the lives by the rows that they depend on. Refusals depend on what is *not* there, so
any notice ends all of them. A caller who is forgotten by the table of identities is forgotten
altogether, because no notice would find them any more.
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Hashable, Iterable
from typing import TypeVar

from gatepass.plugin.directory.notices import Row
from gatepass.plugin.known_caller import KnownCaller, Life
from gatepass.rbac.errors import AccessFault
from gatepass.rbac.identity import Identity

MAX_ENTRIES = 10_000

_LATELY = 256
"""How many notices are remembered for questions that are under way."""

Key = tuple[Identity, str | None]
"""What a token says, and the team that a header chose."""

TokenKey = tuple[bytes, str | None]
"""A token's digest, and the same."""

_AnyKey = TypeVar("_AnyKey", bound=Hashable)
_Value = TypeVar("_Value")


class Barred:
    """Somebody whose rows say no; remembered like any caller, so that asking again is cheap."""

    __slots__ = ("fault", "good_until", "notices")

    def __init__(self, fault: AccessFault, good_until: float, notices: int) -> None:
        self.fault = fault
        self.good_until = good_until
        self.notices = notices


class CallerMemory:
    """Callers seen lately; `notices` counts what was heard of since the beginning.

    `stale_until` is until when anybody at all could be served while the store is away.
    """

    __slots__ = ("_lately", "_lives", "by_identity", "by_token", "notices", "stale_until")

    def __init__(self) -> None:
        self.by_token: OrderedDict[TokenKey, KnownCaller] = OrderedDict()
        self.by_identity: OrderedDict[Key, KnownCaller | Barred] = OrderedDict()
        self.notices = 0
        self.stale_until = 0.0
        self._lives: dict[Row, Life | set[Life]] = {}
        self._lately: deque[Row | None] = deque(maxlen=_LATELY)

    def keep(self, key: Key, known: KnownCaller, rows: Collection[Row]) -> None:
        """Remember a caller by what the token says, with the rows that this depends on."""
        life = known.life
        life.rows = tuple(rows)
        for row in life.rows:
            self._bind(row, life)
        if life.stale_until > life.good_until:
            self.stale_until = max(self.stale_until, life.stale_until)
        self._put(key, known)

    def bar(self, key: Key, fault: AccessFault, good_until: float, since: int) -> None:
        """Remember that somebody may not be here, as was read when `notices` was `since`."""
        self._put(key, Barred(fault, good_until, since))

    def keep_token(self, key: TokenKey, known: KnownCaller) -> None:
        """Remember a caller by their token as well."""
        _remember(self.by_token, key, known)

    def _put(self, key: Key, entry: KnownCaller | Barred) -> None:
        replaced = self.by_identity.get(key)
        if isinstance(replaced, KnownCaller):
            self._end(replaced.life)
        gone = _remember(self.by_identity, key, entry)
        if isinstance(gone, KnownCaller):
            self._end(gone.life)

    def forget(self, rows: Iterable[Row] | None) -> None:
        """Forget everybody who depends on one of these rows, and all refusals; None is all rows."""
        if rows is None:
            self._note(None)
            for life in self._every_life():
                self._end(life)
            self.stale_until = 0.0
            return
        for row in rows:
            self._note(row)
            for life in _each(self._lives.get(row)):
                self._end(life)

    def doubt_all(self, now: float) -> None:
        """Have everybody's rows read again: notices were missed until now, perhaps.

        What is remembered still serves while the store is away, as it would without notices.
        """
        self._note(None)
        for life in self._every_life():
            life.good_until = min(life.good_until, now)

    def still_holds(self, since: int, rows: Collection[Row]) -> bool:
        """Answer whether what was read when `notices` was `since` is untouched by later ones."""
        missed = self.notices - since
        if missed == 0:
            return True
        if missed > _LATELY:
            return False
        lately = list(self._lately)[-missed:]
        return None not in lately and not any(row in rows for row in lately)

    def _note(self, row: Row | None) -> None:
        self.notices += 1
        self._lately.append(row)

    def _every_life(self) -> list[Life]:
        entries = self.by_identity.values()
        return [entry.life for entry in entries if isinstance(entry, KnownCaller)]

    def _bind(self, row: Row, life: Life) -> None:
        """Have notices of a row find a life; most rows have one, and a set would weigh more."""
        lives = self._lives.setdefault(row, life)
        if isinstance(lives, set):
            lives.add(life)
        elif lives is not life:
            self._lives[row] = {lives, life}

    def _end(self, life: Life) -> None:
        life.end()
        for row in life.rows:
            lives = self._lives[row]
            if isinstance(lives, set):
                lives.discard(life)
            if not isinstance(lives, set) or not lives:
                del self._lives[row]
        life.rows = ()


def _each(lives: Life | set[Life] | None) -> tuple[Life, ...]:
    if lives is None:
        return ()
    return tuple(lives) if isinstance(lives, set) else (lives,)


def _remember(memory: OrderedDict[_AnyKey, _Value], key: _AnyKey, value: _Value) -> _Value | None:
    """Keep a value as the newest, and return the one that had to go for it."""
    memory[key] = value
    memory.move_to_end(key)
    return memory.popitem(last=False)[1] if len(memory) > MAX_ENTRIES else None
