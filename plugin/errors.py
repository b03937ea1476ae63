"""Errors of the doors, the stores and the budgets; the root stands in gatepass.jwks.errors."""

from math import ceil
from typing import TYPE_CHECKING

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.reasons import Reason

if TYPE_CHECKING:
    from gatepass.plugin.budgets.limits import LimitStanding


class RequestRefused(GatepassError):
    """The request itself is refused, for a reason of the table."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code, reason.sentence)


class BudgetExceeded(GatepassError):
    """A limit that applies is used up; `standing` says which and how it stands, at `now`."""

    def __init__(self, standing: "LimitStanding", now: float) -> None:
        super().__init__("budget_exceeded", "a budget is used up")
        self.standing = standing
        self.now = now

    @property
    def resets_in_seconds(self) -> int | None:
        """Return whole seconds until the window ends, at least 1; None when it never does."""
        end = self.standing.ends_at
        return None if end is None else max(1, ceil(end - self.now))


class StoreUnavailable(GatepassError):
    """The directory cannot be read or written right now; never means "does not exist"."""

    def __init__(self) -> None:
        super().__init__("store_error", "the store is not available")


class CustomCheckFailed(GatepassError):
    """The deployment's own check gives no answer; never means that it refuses."""

    def __init__(self) -> None:
        super().__init__("custom_check_failed", "the check of this deployment does not answer")


class GroupsNotResolved(GatepassError):
    """Whoever knows the groups that a token leaves out does not name them; never "no groups"."""

    def __init__(self) -> None:
        super().__init__("groups_not_resolved", "the caller's groups cannot be found out")
