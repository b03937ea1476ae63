"""A decision for gateways that show a request step by step, and its body only when asked.

Steps, in order: the Gate decides without the body; where that needs the body, it is read, and the
Gate goes on with it, or judges the whole request again where too much time has passed. So a body is
read only for a caller who may come in and a route on which it matters. How a body is read is left
to each gateway; no rule about requests stands here.
"""

from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from gatepass.plugin.decision import BodyWanted, Decision
from gatepass.plugin.gateways.body_waits import BodyWaits, Caller
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState, Request

if TYPE_CHECKING:
    from gatepass.plugin.gateways.decider import Judge


class Bounded(Protocol):
    """A door, as far as a decision is bound by it."""

    @property
    def deadline_seconds(self) -> float:
        """How long a decision may take."""
        ...


Door = TypeVar("Door", bound=Bounded)
Asked = TypeVar("Asked")
BodyReader = Callable[[Door, Request, BodyWaits, Caller], Generator[Asked, Any, bytes | BodyState]]
"""Yields what is asked of the gateway, and returns the body, or why there is none."""

# Looking up a member of an enum costs more than the comparison.
_BODY_NOT_SHOWN = Reason.BODY_NOT_SHOWN


def decide_by_steps(  # noqa: PLR0913, PLR0917 - closures in their place would cost every call
    judge: "Judge",
    door: Door,
    request: Request,
    now: Callable[[], float],
    waits: BodyWaits,
    read_body: BodyReader[Door, Asked],
) -> Generator[Asked | Coroutine[object, None, Decision], Any, Decision]:
    """Yield what is to be asked or awaited, and return the decision.

    `now` is the time of the running loop's clock, in seconds.

    Raises:
        RequestRefused: by the reading of the body.

    """
    decision = judge.decide_warm(request)
    if decision is None:
        decision = yield judge.decide(request, now() + door.deadline_seconds)
    if decision.reason is _BODY_NOT_SHOWN:
        who = decision.who if isinstance(decision, BodyWanted) else ("", "")
        body = yield from read_body(door, request, waits, who)
        decision = decision.conclude(body) if isinstance(decision, BodyWanted) else None
        if decision is None:
            request = msgspec.structs.replace(request, body=body)
            decision = judge.decide_warm(request)
        if decision is None:
            decision = yield judge.decide(request, now() + door.deadline_seconds)
    return decision
