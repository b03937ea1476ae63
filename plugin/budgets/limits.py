"""Limits as they apply to one caller, and what a counter of each is found by.

A counter belongs to a scope, a subject, a budget, a unit and a model pattern. Neither the number of
a limit nor its window is part of that, so that an edit keeps what was used.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from gatepass.rbac.budgets import MAX_AMOUNT, Budget, Unit
from gatepass.rbac.windows import Window


class Scope(StrEnum):
    """Whose limit it is; in the order in which limits are checked and named."""

    TEAM = "team"
    MEMBER = "member"
    USER = "user"
    END_USER = "end_user"
    ORGANIZATION = "organization"
    PROXY = "proxy"


class LimitKey(NamedTuple):
    """What a counter is found by: plain texts, kept apart (SEC-49); `model` is "" for all."""

    scope: str
    subject_id: str
    budget_id: str
    unit: str
    model: str


_PARTS = {unit: part for part, unit in enumerate(Unit)}


@dataclass(frozen=True, slots=True)
class AppliedLimit:
    """One limit that applies to a caller, and whose it is.

    `hard` None refuses nothing, `soft` is only told of. `raised_by` comes on top of both until
    `raised_until`, in seconds since the epoch.
    """

    scope: Scope
    subject_id: str
    budget_id: str
    unit: Unit
    window: Window
    hard: int | None
    soft: int | None = None
    model: str | None = None
    raised_by: int = 0
    raised_until: int = 0
    key: LimitKey = field(init=False, repr=False, compare=False)
    counter: str = field(init=False, repr=False, compare=False)
    """The JSON of the key: how tables, and the ledger's charges, call the counter."""

    part: int = field(init=False, repr=False, compare=False)
    """Which part of `Amounts` this limit counts."""

    definition: str = field(init=False, repr=False, compare=False)
    """The window's name, by which a counter knows that the window was redefined."""

    def __post_init__(self) -> None:
        key = LimitKey(
            self.scope.value, self.subject_id, self.budget_id, self.unit.value, self.model or ""
        )
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "counter", counter_name(key))
        object.__setattr__(self, "part", _PARTS[self.unit])
        object.__setattr__(self, "definition", self.window.name)

    def hard_at(self, now: float) -> int:
        """Return what may be used in all; without a hard limit the most that can be counted."""
        if self.hard is None:
            return MAX_AMOUNT
        if now < self.raised_until:
            return min(self.hard + self.raised_by, MAX_AMOUNT)
        return self.hard

    def soft_at(self, now: float) -> int | None:
        """Return from how much on somebody wants to know, or None."""
        if self.soft is not None and now < self.raised_until:
            return min(self.soft + self.raised_by, MAX_AMOUNT)
        return self.soft


class LimitStanding(NamedTuple):
    """How a limit stands: what is used and reserved, and when its window ends.

    `hard` is what counts now, raises included, or None; `ends_at` is in seconds since the epoch,
    None for a window without an end.
    """

    limit: AppliedLimit
    spent: int
    reserved: int
    hard: int | None
    ends_at: int | None

    @property
    def left(self) -> int | None:
        """Return what may still be reserved; None where nothing is refused."""
        return None if self.hard is None else max(0, self.hard - self.spent - self.reserved)


def counter_name(key: LimitKey) -> str:
    """Return the JSON of a key; no two keys have the same."""
    return json.dumps(key, ensure_ascii=False, separators=(",", ":"))


def member_subject(team_id: str, user_id: str) -> str:
    """Return the subject of a person's share in a team; no two pairs have the same."""
    return json.dumps([team_id, user_id], ensure_ascii=False, separators=(",", ":"))


def applied(scope: Scope, subject_id: str, budget: Budget) -> Iterator[AppliedLimit]:
    """Yield the limits of a subject's budget."""
    raised = budget.raised
    for limit in budget.limits:
        is_raised = raised is not None and limit.model is None
        yield AppliedLimit(
            scope=scope,
            subject_id=subject_id,
            budget_id=budget.budget_id,
            unit=limit.unit,
            window=limit.window or budget.window,
            hard=limit.hard,
            soft=limit.soft,
            model=limit.model,
            raised_by=raised.plus(limit.unit) if raised is not None and is_raised else 0,
            raised_until=raised.until if raised is not None and is_raised else 0,
        )
