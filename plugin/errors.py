"""Errors of the doors, the stores and the budgets; the root stands in gatepass.jwks.errors."""

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.reasons import Reason


class RequestRefused(GatepassError):
    """The request itself is refused, for a reason of the table."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code, reason.sentence)


class BudgetExceeded(GatepassError):
    """A limit that applies is used up.

    `scope` is "team" or "user"; `resets_in_seconds` is None for a budget that never resets.
    """

    def __init__(self, scope: str, resets_in_seconds: int | None) -> None:
        super().__init__("budget_exceeded", "a budget is used up")
        self.scope = scope
        self.resets_in_seconds = resets_in_seconds


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
