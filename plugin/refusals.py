"""From an error of ours to the refusal that the client sees, headers included.

401 carries a challenge (RFC 6750 section 3): without an error code when no token came (section
3.1), with `invalid_token` otherwise. 429 carries `Retry-After` (RFC 6585 section 4).
"""

from functools import lru_cache

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.decision import Deny, refusal
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import REASON_BY_CODE, Reason

RETRY_AFTER_NO_RESET_SECONDS = 86_400
"""What is said of a budget that never resets by itself: somebody may raise it by tomorrow."""

_UNAUTHORIZED = 401


def refuse(error: GatepassError) -> Deny:
    """Return the refusal for an error; a code that the table does not know is our own fault."""
    retry_after = None
    if isinstance(error, BudgetExceeded):
        retry_after = error.resets_in_seconds or RETRY_AFTER_NO_RESET_SECONDS
    return refuse_for(REASON_BY_CODE.get(error.code, Reason.INTERNAL), retry_after)


@lru_cache(maxsize=1024)
def refuse_for(reason: Reason, retry_after: int | None = None) -> Deny:
    """Return the refusal for a reason; `retry_after` is in seconds."""
    return refusal(reason, (*challenge(reason), *_retry(retry_after)))


def challenge(reason: Reason) -> tuple[Header, ...]:
    """Return the `WWW-Authenticate` header that a reason needs, if any."""
    if reason.status != _UNAUTHORIZED:
        return ()
    value = b'Bearer realm="gatepass"'
    if reason is not Reason.NO_TOKEN:
        sentence = reason.sentence.encode("ascii")
        value += b', error="invalid_token", error_description="' + sentence + b'"'
    return ((b"www-authenticate", value),)


def _retry(seconds: int | None) -> tuple[Header, ...]:
    return () if seconds is None else ((b"retry-after", str(seconds).encode("ascii")),)
