"""From an error of ours to the refusal that the client sees, headers included.

401 carries a challenge for each scheme by which a token may come (RFC 6750 section 3, RFC 9449
section 7.1): without an error code when no token came, with `invalid_dpop_proof` when the proof is
at fault, with `invalid_token` otherwise. All of them stand in one line, because not every gateway
can send two of one name. 429 carries `Retry-After` (RFC 6585 section 4), and what is left of which
limit (rate_limit.py).
"""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.budget_refusal import budget_refusal
from gatepass.plugin.decision import Deny, refusal
from gatepass.plugin.errors import BudgetExceeded
from gatepass.plugin.headers import Header
from gatepass.plugin.rate_limit import rate_limit_headers
from gatepass.plugin.reasons import REASON_BY_CODE, Reason
from gatepass.rbac.linking import LinkDenied

RETRY_AFTER_NO_RESET_SECONDS = 86_400
"""What is said of a budget that never resets by itself: somebody may raise it by tomorrow."""

_UNAUTHORIZED = 401
_REALM = 'realm="gatepass"'
_PROOF_FAULTS = frozenset(
    {
        Reason.BAD_DPOP_PROOF,
        Reason.DPOP_WRONG_KEY,
        Reason.DPOP_MISMATCH,
        Reason.DPOP_NOT_FRESH,
        Reason.DPOP_REPLAYED,
    }
)


class Schemes(NamedTuple):
    """By which schemes a token may come; `dpop` lists the algorithms of proofs, if it is one."""

    bearer: bool = True
    dpop: str = ""


_BEARER_ALONE = Schemes()


def refuse(error: GatepassError, schemes: Schemes = _BEARER_ALONE) -> Deny:
    """Return the refusal for an error; a code that the table does not know is our own fault."""
    reason = REASON_BY_CODE.get(error.code, Reason.INTERNAL)
    if isinstance(error, BudgetExceeded):
        retry_after = error.resets_in_seconds or RETRY_AFTER_NO_RESET_SECONDS
        deny = refuse_for(reason, retry_after)
        headers = (*deny.response_headers, *rate_limit_headers(error))
        return replace(deny, response_headers=headers, limit=budget_refusal(error))
    if isinstance(error, LinkDenied):
        return replace(refuse_for(reason), unlinked=error)
    return refuse_for(reason, schemes=schemes)


@lru_cache(maxsize=1024)
def refuse_for(
    reason: Reason, retry_after: int | None = None, schemes: Schemes = _BEARER_ALONE
) -> Deny:
    """Return the refusal for a reason; `retry_after` is in seconds."""
    return refusal(reason, (*challenge(reason, schemes), *_retry(retry_after)))


def challenge(reason: Reason, schemes: Schemes = _BEARER_ALONE) -> tuple[Header, ...]:
    """Return the `WWW-Authenticate` header that a reason needs, if any."""
    if reason.status != _UNAUTHORIZED:
        return ()
    error = ""
    if reason is not Reason.NO_TOKEN:
        code = "invalid_dpop_proof" if reason in _PROOF_FAULTS else "invalid_token"
        error = f', error="{code}", error_description="{reason.sentence}"'
    bearer = f"Bearer {_REALM}"
    dpop = f"DPoP {_REALM}"
    algorithms = f', algs="{schemes.dpop}"'
    if not schemes.dpop:
        value = bearer + error
    elif reason in _PROOF_FAULTS or not schemes.bearer:
        value = dpop + error + algorithms
    else:
        value = f"{bearer}{error}, {dpop}{algorithms}"
    return ((b"www-authenticate", value.encode("ascii")),)


def _retry(seconds: int | None) -> tuple[Header, ...]:
    return () if seconds is None else ((b"retry-after", str(seconds).encode("ascii")),)
