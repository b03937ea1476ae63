"""The limit that refused, in the header fields of draft-ietf-httpapi-ratelimit-headers-10.

`RateLimit-Policy` says what the limit is, `RateLimit` what is left of it and when its window ends.
They are told of limits that are the caller's own, like the numbers in the body. Money is counted in
millionths of a dollar (`qu="micro-usd"`), because a structured field holds 15 digits; what is left
is rounded down. A window without an end has neither `w` nor `t`.
"""

from gatepass.plugin.budget_refusal import is_callers_own
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.headers import Header
from gatepass.rbac.budgets import Unit

MAX_INTEGER = 999_999_999_999_999
"""RFC 9651 section 3.3.1."""

_NANO_PER_MICRO = 1_000
_QUOTA_UNITS = {Unit.MONEY: "micro-usd", Unit.TOKENS: "tokens", Unit.REQUESTS: "requests"}


def rate_limit_headers(error: BudgetExceeded) -> tuple[Header, ...]:
    """Return the two headers of the limit that an error names, none if it is not theirs to know."""
    standing = error.standing
    limit, hard, left = standing.limit, standing.hard, standing.left
    if hard is None or left is None or not is_callers_own(limit):
        return ()
    name = _quoted("-".join(filter(None, (limit.scope.value, limit.unit.value, limit.model))))
    policy = f'{name};q={_counted(limit.unit, hard)};qu="{_QUOTA_UNITS[limit.unit]}"'
    rest = f"{name};r={_counted(limit.unit, left)}"
    start, end = limit.window.bounds(error.now)
    seconds = error.resets_in_seconds
    if end is not None:
        policy += f";w={min(end - start, MAX_INTEGER)}"
    if seconds is not None:
        rest += f";t={min(seconds, MAX_INTEGER)}"
    return (
        (b"ratelimit-policy", policy.encode("ascii")),
        (b"ratelimit", rest.encode("ascii")),
    )


def _counted(unit: Unit, amount: int) -> int:
    return min(amount // _NANO_PER_MICRO if unit is Unit.MONEY else amount, MAX_INTEGER)


def _quoted(text: str) -> str:
    """Return a string of a structured field: printable ASCII, with nothing that ends it early."""
    kept = "".join(character if " " <= character <= "~" else "?" for character in text)
    return '"' + kept.replace("\\", "\\\\").replace('"', '\\"') + '"'
