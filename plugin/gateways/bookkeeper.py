"""What a door needs of the Gate to settle a call, and which failed calls cost nothing.

What a call really cost takes the place of what was reserved for it. A call that has ended, and of
which nobody says what it used, costs its estimate until somebody does. A failure costs nothing
where it is plain that nobody worked: a 502 says that the gateway got no answer that it understood,
which it also says of an upstream that was cut off in the middle of one, or whose headers were too
long. The reservation of a call of whose end nobody hears is the engine's: it is overdue some day.
"""

from typing import Protocol

from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.metering.prices import Usage

FIRST_ERROR = 400
"""The first status of a call that failed."""

BAD_GATEWAY = 502

MAY_HAVE_WORKED = frozenset({499, BAD_GATEWAY, 504})
"""The client went away, the gateway waited no longer, or it did not understand; the upstream may
have worked, or go on, and be paid."""


class Bookkeeper(Protocol):
    """The Gate, as whoever settles sees it."""

    def may_be_settled(self, request_id: str) -> bool:
        """Tell whether a reservation of this request is remembered."""
        ...

    async def settle(self, request_id: str, usage: Usage) -> Settlement:
        """Replace the reservation by the price of a usage."""
        ...

    async def settle_cost(
        self, request_id: str, cost_nano: int, usage: Usage | None = None
    ) -> Settlement:
        """Replace the reservation by a cost in nano-dollars, and by the tokens if known."""
        ...

    async def settle_estimate(self, request_id: str) -> Settlement:
        """Charge the estimate, until somebody says what the call used."""
        ...

    async def release(self, request_id: str) -> Settlement:
        """Give the reservation back."""
        ...


def cost_nothing(status: int, *, sent: bool = True) -> bool:
    """Tell whether a call that ended with this status is nobody's to pay.

    `sent` is false where the gateway says that no upstream got anything of it.
    """
    if status == BAD_GATEWAY and not sent:
        return True
    return status >= FIRST_ERROR and status not in MAY_HAVE_WORKED
