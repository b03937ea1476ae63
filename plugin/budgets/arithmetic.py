"""The arithmetic of budgets: what every engine must do, in one place and without any state.

Rules, in order:

1. A counter holds what is spent and reserved, since when it counts, when its window ends and how
   the window is defined; `since` tells one window from the next. A counter only rolls forward: past
   its end it starts at nothing, and a wall clock that jumps back extends a window and does not give
   it out twice (SEC-66). A budget whose window was redefined keeps what was used, and ends as the
   new window does.
2. A limit refuses when what it counts has reached it, in every mode: `spend >= limit`.
   `strict` also refuses what does not fit; `fit` reserves what is left; `after` reserves nothing
   and looks only at what is spent.
3. All limits of a call hold their part or none does.
4. Settling takes back what is held and adds the cost, if the window that it was held in still
   runs: a counter that counts since another moment is not touched. What is spent saturates at
   MAX_AMOUNT.
5. A reservation that nobody settles in time ends as a charge of its whole estimate or as a release;
   a late settle puts the cost in the place of that, in the same window.
"""

from enum import StrEnum
from math import floor
from typing import NamedTuple

from gatepass.rbac.budgets import MAX_AMOUNT
from gatepass.rbac.windows import Window


class Admission(StrEnum):
    """What a call must leave room for; the value is its name in the settings."""

    STRICT = "strict"
    FIT = "fit"
    AFTER = "after"


class Count(NamedTuple):
    """What a counter holds; times are seconds since the epoch, `ends_at` None never ends."""

    spent: int
    reserved: int
    since: int
    ends_at: int | None
    definition: str


class Held(NamedTuple):
    """What a reservation has on a counter; `since` is the counter's of that moment."""

    amount: int
    since: int


REFUSED = -1


def rolled(count: Count | None, window: Window, now: float) -> Count:
    """Return the counter as it stands at `now`, seconds since the epoch; None is a new one."""
    if count is None or (count.ends_at is not None and now >= count.ends_at):
        return Count(0, 0, floor(now), window.bounds(now)[1], window.name)
    if count.definition != window.name:
        return count._replace(ends_at=window.bounds(now)[1], definition=window.name)
    return count


def amount_to_hold(
    admission: Admission, spent: int, reserved: int, estimate: int, hard: int
) -> int:
    """Return what a limit of `hard` reserves of an estimate, or REFUSED."""
    if admission is Admission.AFTER:
        return REFUSED if spent >= hard else 0
    left = hard - spent - reserved
    if left <= 0:
        return REFUSED
    if estimate <= left:
        return estimate
    return left if admission is Admission.FIT else REFUSED


def settled(count: Count, held: Held, cost: int) -> Count:
    """Return the counter with a cost in the place of what was held."""
    if count.since != held.since:
        return count
    return count._replace(
        spent=min(count.spent + cost, MAX_AMOUNT), reserved=count.reserved - held.amount
    )


def corrected(count: Count, since: int, charged: int, cost: int) -> Count:
    """Return the counter with a cost in the place of what an overdue reservation was charged."""
    if count.since != since:
        return count
    return count._replace(spent=min(max(count.spent - charged, 0) + cost, MAX_AMOUNT))
