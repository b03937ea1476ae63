"""What a gateway could show of a request: no more, and nothing interpreted.

An adapter fills this in and holds no rule. What follows from a cut header list, from a body that
was not shown or from a header that cannot be removed is decided behind the Gate, once for all.

The values that every request makes anew are msgspec structs: as immutable as a frozen dataclass,
and made in a tenth of the time.
"""

from collections.abc import Sequence
from enum import Enum

import msgspec


class BodyState(Enum):
    """Why there are no body bytes to judge.

    NOT_READ is a body that the gateway can show and was not asked for yet: where a rule needs it,
    the answer is BODY_NOT_SHOWN, and the adapter reads the body and asks again.
    """

    NOT_READ = "not read"
    NOT_SHOWN = "not shown"
    CUT = "cut"
    TOO_LARGE = "too large"


class CertificateState(Enum):
    """Why there is no client certificate: the client showed none, or the gateway does not say."""

    NONE = "none"
    NOT_SHOWN = "not shown"


class Request(msgspec.Struct, frozen=True, gc=False):
    """One request as the gateway will route it.

    `target` is the raw request target in the gateway's own spelling, query included (SEC-32).
    `headers` are pairs of bytes in any letter case, repeated ones kept; `headers_complete` is False
    when the gateway may have cut the list. `body` is the exact bytes that go upstream, or why they
    are not here. `can_remove_headers` says whether the gateway can delete an arbitrary header
    before the upstream sees it. `gateway_request_id` is made by the gateway and never a client's
    header: deciding is idempotent on it. `client_address` is the client's as the gateway's own
    rules of trusted proxies tell it, None where the gateway does not say; no rule judges by it.
    `client_certificate` is the SHA-256 of the certificate, in DER, by which the client's side of
    the TLS connection is known, or why it is not here.
    """

    method: str
    target: bytes
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes | BodyState = BodyState.NOT_SHOWN
    headers_complete: bool = True
    profile: str = "default"
    can_remove_headers: bool = True
    gateway_request_id: str | None = None
    client_address: str | None = None
    client_certificate: bytes | CertificateState = CertificateState.NOT_SHOWN
