"""A decision in the words of each proxy.

Rules: an allowed request is answered with 200, the headers to set, among them the request's id,
and, where the proxy can delete headers, every name to delete: so each identity header is either set
or removed (SEC-44, 46). A name that is set is never listed for deletion, because Envoy deletes
last. A refusal keeps its status where the proxy passes that on, and becomes a 403 with the code
beside it where not. Every answer has a length and may not be stored.
"""

from collections.abc import Sequence
from functools import lru_cache

from gatepass.plugin.decision import Decision, spellings_to_remove
from gatepass.plugin.gateways.conventions import Convention
from gatepass.plugin.headers import REQUEST_ID, Header
from gatepass.plugin.reasons import Reason

CODE_HEADER = b"x-gatepass-code"
RETRY_AFTER_HEADER = b"x-gatepass-retry-after"

Answer = tuple[int, Sequence[Header], bytes]
"""Status, headers and body of a response."""

_NO_STORE = (b"cache-control", b"no-store")
_ALLOWED: tuple[Header, ...] = ((b"content-length", b"0"), _NO_STORE)


def to_answer(convention: Convention, headers: Sequence[Header], decision: Decision) -> Answer:
    """Return the answer; `headers` are those of the question, names in lower case."""
    if not decision.allowed:
        return _refused_answer(convention, decision)
    removal_header = convention.removal_header
    answer = _usual_answer(removal_header, decision.set_headers, decision.remove_headers)
    if removal_header is not None and b"_" in b"".join([name for name, _ in headers]):
        # the client spelled a name in a way that is not the usual one
        *usual, (_, removed) = answer
        set_names = {REQUEST_ID, *(name for name, _ in decision.set_headers)}
        spellings = set(spellings_to_remove(decision, headers)) - set_names
        removed = b",".join(sorted(spellings.union(removed.split(b","))))
        answer = (*usual, (removal_header, removed))
    named = (REQUEST_ID, decision.request_id.encode())
    return Reason.ALLOWED.status, (named, *answer), b""


def refusal_answer(decision: Decision) -> Answer:
    """Return a refusal as a client of HTTP understands it."""
    body = decision.body
    return decision.status, (*decision.response_headers, *_refusal_frame(len(body))), body


def _refused_answer(convention: Convention, decision: Decision) -> Answer:
    status, headers, body = refusal_answer(decision)
    if convention.refusals is not None:
        retry_after = [
            (RETRY_AFTER_HEADER, value) for name, value in headers if name == b"retry-after"
        ]
        headers = (*headers, (CODE_HEADER, decision.reason.code.encode()), *retry_after)
        if status not in convention.refusals:
            status = 403
    return status, headers, body


@lru_cache(maxsize=4096)
def _usual_answer(
    removal_header: bytes | None, set_headers: tuple[Header, ...], folded: frozenset[bytes]
) -> tuple[Header, ...]:
    """Return the headers of an allowed request but its id; the same tuple for the same caller.

    Deleted are the names in their usual spelling, less those that are set anyway.
    """
    answer = [*_ALLOWED, *set_headers]
    if removal_header is not None:
        removed = folded - {REQUEST_ID, *(name.lower() for name, _ in set_headers)}
        answer.append((removal_header, b",".join(sorted(removed))))
    return tuple(answer)


@lru_cache(maxsize=1024)
def _refusal_frame(body_bytes: int) -> tuple[Header, ...]:
    return ((b"content-length", b"%d" % body_bytes), _NO_STORE)
