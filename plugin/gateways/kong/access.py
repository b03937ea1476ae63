"""The access phase: what Kong says of a request, the decision, and what Kong is told.

Steps, in order: ask for everything but the body; refuse a path that can be read in two ways; let
the Gate decide (deciding.py); where that needs the body, ask for it, unless its announced length is
above the limit; answer. No rule about requests stands here.
"""

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from gatepass.plugin.decision import Allow, Deny
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.body_waits import BodyWaits, Caller
from gatepass.plugin.gateways.certificates import CertificateForm, read_certificate
from gatepass.plugin.gateways.deciding import decide_by_steps
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.calls import (
    BODY,
    HEAD,
    HEAD_AND_CERTIFICATE,
    MAX_HEADERS,
    Answers,
    Conversation,
    SpooledBody,
    Step,
)
from gatepass.plugin.gateways.kong.path import check_one_path
from gatepass.plugin.gateways.kong.spool import read_spooled
from gatepass.plugin.gateways.kong.verdict import to_exit, to_proceed
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse
from gatepass.plugin.request import BodyState, CertificateState, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatepass.plugin.gateways.decider import Judge
    from gatepass.plugin.headers import Header

_MAX_LENGTH_DIGITS = 19
# Looking up a member of an enum costs more than the comparison.
_NOT_READ = BodyState.NOT_READ
_NOT_SHOWN = CertificateState.NOT_SHOWN
_PEM = CertificateForm.PEM


def access(
    judge: "Judge", door: KongDoor, profile: str, now: Callable[[], float], waits: BodyWaits
) -> Conversation:
    """Decide one request; `now` is the time of the running loop's clock, in seconds."""
    try:
        head = yield HEAD_AND_CERTIFICATE if door.certificates else HEAD
        request = _to_request(profile, head)
        decision = yield from decide_by_steps(judge, door, request, now, waits, _read_body)
    except RequestRefused as error:
        decision = refuse(error)
    if isinstance(decision, Allow):
        return to_proceed(decision, request.headers, door.consumer)
    refusal: Deny = decision
    judge.note(refusal)
    return to_exit(refusal)


def _read_body(
    door: KongDoor, request: Request, waits: BodyWaits, who: Caller
) -> Generator[Step, Any, bytes | BodyState]:
    """Ask for the body, and bring it here if it was spooled."""
    limit = door.max_body_bytes
    if _announced_bytes(request.headers) > limit:
        return BodyState.TOO_LARGE
    if not waits.enter(who):
        raise RequestRefused(Reason.OVERLOADED)
    try:
        (body,) = yield BODY
    finally:
        waits.leave(who)
    if isinstance(body, SpooledBody):
        return read_spooled(body, limit)
    shown: bytes | BodyState = body
    return BodyState.TOO_LARGE if isinstance(shown, bytes) and len(shown) > limit else shown


def _to_request(profile: str, answers: Answers) -> Request:
    headers, method, target, path, request_id, address, *certificate = answers
    check_one_path(target, path)
    return Request(
        method=method.decode("latin-1"),
        target=target,
        headers=headers,
        body=_NOT_READ,
        headers_complete=len(headers) < MAX_HEADERS,
        profile=profile,
        gateway_request_id=request_id.decode("latin-1") or None,
        client_address=address.decode("latin-1") or None,
        client_certificate=read_certificate(_PEM, certificate[0]) if certificate else _NOT_SHOWN,
    )


def _announced_bytes(headers: "Sequence[Header]") -> int:
    """Return what Content-Length says; nginx has refused what is no length, or two of them."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value[:_MAX_LENGTH_DIGITS])
    return 0
