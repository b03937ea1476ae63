"""A request: what APISIX tells of it, the decision, and what APISIX is told.

Steps, in order: a header list that may be cut is refused by the Gate, because what is cut still
goes upstream; the target as the client wrote it is asked for, and compared with the path that
APISIX routed on; the Gate decides (deciding.py); where that needs the body, it is asked for, unless
its announced length is above the limit. No rule about requests stands here.
"""

from collections.abc import Callable, Generator, Sequence
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from gatepass.plugin.decision import Allow, Deny
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.gateways.apisix.messages import HttpReqCall
from gatepass.plugin.gateways.apisix.path import check_one_path
from gatepass.plugin.gateways.apisix.questions import (
    CLIENT_CERTIFICATE,
    REAL_REQUEST_URI,
    SERVER_PROTOCOL,
    Conversation,
    RequestBody,
    Step,
)
from gatepass.plugin.gateways.apisix.verdict import to_rewrite, to_stop
from gatepass.plugin.gateways.body_waits import BodyWaits, Caller, Place
from gatepass.plugin.gateways.certificates import CertificateForm, read_certificate
from gatepass.plugin.gateways.deciding import decide_by_steps
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse
from gatepass.plugin.request import BodyState, CertificateState, Request

if TYPE_CHECKING:
    from gatepass.plugin.gateways.decider import Judge
    from gatepass.plugin.headers import Header

MOST_HEADERS = 100
"""APISIX shows no more, and sends all of them upstream."""

_MAX_LENGTH_DIGITS = 19


def access(  # noqa: PLR0913, PLR0917 - what a call has to know
    judge: "Judge",
    door: ApisixDoor,
    profile: str,
    call: HttpReqCall,
    now: Callable[[], float],
    waits: BodyWaits,
) -> Conversation:
    """Decide one request; `now` is the time of the running loop's clock, in seconds."""
    try:
        target = check_one_path((yield REAL_REQUEST_URI), call.path)
        certificate: bytes | CertificateState = CertificateState.NOT_SHOWN
        if door.certificates:
            certificate = read_certificate(CertificateForm.PEM, (yield CLIENT_CERTIFICATE) or b"")
        request = _to_request(profile, call, target, certificate)
        decision = yield from decide_by_steps(judge, door, request, now, waits, _read_body)
    except RequestRefused as error:
        decision = refuse(error)
    if isinstance(decision, Allow):
        return to_rewrite(decision, request.headers, show_usage=door.show_usage)
    refusal: Deny = decision
    judge.note(refusal)
    return to_stop(refusal)


def _to_request(
    profile: str, call: HttpReqCall, target: bytes, certificate: bytes | CertificateState
) -> Request:
    return Request(
        method=call.method,
        target=target,
        # a header line without a value is one with an empty value
        headers=[(name, value or b"") for name, value in call.headers],
        body=BodyState.NOT_READ,
        headers_complete=len(call.headers) < MOST_HEADERS,
        profile=profile,
        client_address=_address(call.source_ip),
        client_certificate=certificate,
    )


@lru_cache(maxsize=1024)
def _address(octets: bytes) -> str | None:
    return str(ip_address(octets)) if len(octets) in {4, 16} else None


def _read_body(
    door: ApisixDoor, request: Request, waits: BodyWaits, who: Caller
) -> Generator[Step, Any, bytes | BodyState]:
    """Ask for the body; nothing is an empty body only where nothing was announced."""
    announced = _announced_bytes(request.headers)
    if announced is not None and announced > door.max_body_bytes:
        return BodyState.TOO_LARGE
    if not waits.enter(who):
        raise RequestRefused(Reason.OVERLOADED)
    place = Place(waits, who)
    try:
        body: bytes | BodyState | None = yield RequestBody(place)
    finally:
        place.leave()
    if isinstance(body, BodyState):
        return body
    if body:
        return body if len(body) <= door.max_body_bytes else BodyState.TOO_LARGE
    chunked = any(name == b"transfer-encoding" for name, _ in request.headers)
    if announced == 0 and not chunked:
        return b""
    protocol: bytes | None = yield SERVER_PROTOCOL
    # over HTTP/2 APISIX before 3.17 shows nothing of a body without a length, and sends it on
    if announced is not None or chunked or not (protocol or b"").startswith(b"HTTP/1"):
        return BodyState.NOT_SHOWN
    return b""


def _announced_bytes(headers: "Sequence[Header]") -> int | None:
    """Return what Content-Length says; nginx has refused what is no length, or two of them."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value[:_MAX_LENGTH_DIGITS])
    return None
