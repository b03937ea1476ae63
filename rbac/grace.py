"""What may pass while nobody can count: some routes, so much money, for so long."""

from dataclasses import dataclass

from gatepass.rbac.routes import RouteMatcher


@dataclass(frozen=True, slots=True)
class Grace:
    """A bounded loan of one process while the store of the budgets is away.

    `nano` is the most nano-dollars that may be under way or not counted yet, `seconds` how long
    after the first such call; `name` tells two loans apart.
    """

    name: str
    routes: RouteMatcher
    nano: int
    seconds: int


def grace_on(grace: Grace | None, method: str, path: str) -> Grace | None:
    """Return the grace if it holds on a route."""
    return grace if grace is not None and grace.routes.allows(method, path) else None
