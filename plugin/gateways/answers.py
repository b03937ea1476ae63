"""A decision in the words of each proxy.

Rules: an allowed request is answered with 200, the headers to set, and, where the proxy can delete
headers, every name to delete: so each identity header is either set or removed (SEC-44, 46). A name
that is set is never listed for deletion, because Envoy deletes last. A refusal keeps its status
where the proxy passes that on, and becomes a 403 with the code beside it where not. Every answer
has a length and may not be stored.
"""

from collections.abc import Sequence
from functools import lru_cache

from gatepass.plugin.decision import Decision, error_body, spellings_to_remove
from gatepass.plugin.gateways.conventions import Convention
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason

CODE_HEADER = b"x-gatepass-code"
RETRY_AFTER_HEADER = b"x-gatepass-retry-after"

Answer = tuple[int, list[Header], bytes]
"""Status, headers and body of a response."""

_NO_STORE = (b"cache-control", b"no-store")
_ALLOWED: tuple[Header, ...] = ((b"content-length", b"0"), _NO_STORE)


def to_answer(convention: Convention, headers: Sequence[Header], decision: Decision) -> Answer:
    """Return the answer; `headers` are those of the question, names in lower case."""
    if not decision.allowed:
        return _refused_answer(convention, decision)
    answer = [*_ALLOWED, *decision.set_headers]
    if convention.removal_header is not None:
        set_names = tuple([name for name, _ in decision.set_headers])
        removed = _usual_removals(decision.remove_headers, set_names)
        if b"_" in b"".join([name for name, _ in headers]):  # else every spelling is a usual one
            spellings = set(spellings_to_remove(decision, headers)).difference(set_names)
            removed = b",".join(sorted(spellings.union(removed.split(b","))))
        answer.append((convention.removal_header, removed))
    return Reason.ALLOWED.status, answer, b""


def refusal_answer(decision: Decision) -> Answer:
    """Return a refusal as a client of HTTP understands it."""
    headers = [*decision.response_headers, *_refusal_frame(decision.reason)]
    return decision.status, headers, decision.body


def _refused_answer(convention: Convention, decision: Decision) -> Answer:
    status, headers, body = refusal_answer(decision)
    if convention.refusals is not None:
        headers.append((CODE_HEADER, decision.reason.code.encode()))
        headers += [
            (RETRY_AFTER_HEADER, value) for name, value in headers if name == b"retry-after"
        ]
        if status not in convention.refusals:
            status = 403
    return status, headers, body


@lru_cache(maxsize=256)
def _usual_removals(folded: frozenset[bytes], set_names: tuple[bytes, ...]) -> bytes:
    """Return the names to delete in their usual spelling, less those that are set anyway."""
    return b",".join(sorted(folded - {name.lower() for name in set_names}))


@lru_cache(maxsize=len(Reason))
def _refusal_frame(reason: Reason) -> tuple[Header, ...]:
    return ((b"content-length", b"%d" % len(error_body(reason))), _NO_STORE)
