"""The client's request, as the proxy's question tells it.

Rules, in order: a header that carries the original method or target stands there exactly once, or
the request is refused, never guessed (SEC-32, 37); an empty body is "not shown" wherever a body
could have been, because a proxy that hides bodies looks the same; all other headers are handed on
as they came. What the request may do is judged behind the Gate.
"""

from collections.abc import Mapping, Sequence

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.conventions import (
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    Convention,
)
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import BodyState, CertificateState, Request

_BODYLESS_METHODS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


def read_marks(convention: Convention, headers: Sequence[Header]) -> dict[bytes, bytes]:
    """Return the headers that mean something in this convention; names are in lower case.

    Raises:
        RequestRefused: one that carries the original method or target is repeated.

    """
    reads = convention.reads
    marks: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in reads:
            if name in marks:
                if name in convention.only_once:
                    raise RequestRefused(convention.only_once[name])
                marks[name] += b"," + value  # one list in two lines (RFC 9110 section 5.2)
            else:
                marks[name] = value
    return marks


def announces_body(convention: Convention, marks: Mapping[bytes, bytes]) -> bool:
    """Tell whether the question itself has a body that is the client's."""
    return convention.shows_body and (
        marks.get(CONTENT_LENGTH, b"0") != b"0" or TRANSFER_ENCODING in marks
    )


def to_request(  # noqa: PLR0913 - the parts of a question, each read elsewhere
    convention: Convention,
    *,
    profile: str,
    method: str,
    target: bytes,
    headers: Sequence[Header],
    marks: Mapping[bytes, bytes],
    body: bytes | BodyState,
    certificate: bytes | CertificateState = CertificateState.NOT_SHOWN,
) -> Request:
    """Return the original request; `method` and `target` are those of the question itself.

    Raises:
        RequestRefused: the original method or target is missing or not readable.

    """
    if convention.method_header is not None:
        method = _original_method(marks.get(convention.method_header))
    if convention.target_header is not None:
        target = marks.get(convention.target_header, b"")
    if not target:
        raise RequestRefused(Reason.AMBIGUOUS_PATH)
    if convention.cut_header is not None and marks.get(convention.cut_header, b"false") != b"false":
        body = BodyState.CUT if body is not BodyState.TOO_LARGE else body
    elif not body and not (convention.shows_body and method in _BODYLESS_METHODS):
        body = BodyState.NOT_SHOWN
    return Request(
        method=method,
        target=target,
        headers=headers,
        body=body,
        profile=profile,
        can_remove_headers=convention.can_remove_headers,
        client_certificate=certificate,
    )


def _original_method(value: bytes | None) -> str:
    if not value or not value.isascii():
        raise RequestRefused(Reason.BAD_METHOD)
    return value.decode("ascii")
