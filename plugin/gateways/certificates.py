"""The client's certificate in the words of each gateway, and its SHA-256 (RFC 8705).

The forms, each of one certificate:

pem: percent-encoded or plain PEM, as nginx's `$ssl_client_escaped_cert` and `$ssl_client_raw_cert`.
der: DER in base64, percent-encoded or plain, as Traefik's passTLSClientCert and Caddy write it.
rfc9440: DER as a byte sequence, `:BASE64:` (RFC 9440 section 2.1).
xfcc: Envoy's `x-forwarded-client-cert`, of one element, that has a `Hash` or a `Cert`.

Rules: nothing is no certificate; what cannot be read, and a list of more than one, is refused,
because the gateway has not said what it was configured to say. Only the gateway's word counts: that
it writes the header over the client's is a matter of its configuration, and that nobody else asks
is one of peers.py. Whether the certificate was issued by anybody in particular plays no part: the
token names it.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from urllib.parse import unquote_to_bytes

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import CertificateState

_BLANKS = b" \t\r\n"
_PEM = re.compile(
    rb"[ \t\r\n]*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/= \t\r\n]+)"
    rb"-----END CERTIFICATE-----[ \t\r\n]*"
)
_BYTE_SEQUENCE = re.compile(rb":([A-Za-z0-9+/]+={0,2}):")
_PAIR = rb'([A-Za-z]+)=("(?:[^"\\]|\\.)*+"|[^,;"]*+)'
_ELEMENT = re.compile(_PAIR + rb"(?:;" + _PAIR.replace(b"(", b"(?:", 1) + rb")*+")
_PAIRS = re.compile(_PAIR)
_SHA256 = re.compile(rb"[0-9A-Fa-f]{64}")


class CertificateForm(StrEnum):
    """How a gateway writes a certificate."""

    PEM = "pem"
    DER = "der"
    RFC9440 = "rfc9440"
    XFCC = "xfcc"


@dataclass(frozen=True, slots=True)
class CertificateHeader:
    """The header in which a proxy shows the client's certificate; the name is in lower case."""

    name: bytes
    form: CertificateForm


def take_certificate(
    header: CertificateHeader, headers: Sequence[Header]
) -> tuple[bytes | CertificateState, Sequence[Header]]:
    """Return the SHA-256 of the certificate, or that there is none, and the headers without it.

    Raises:
        RequestRefused: GATEWAY_ERROR.

    """
    shown = [value for name, value in headers if name == header.name]
    if not shown:
        return CertificateState.NONE, headers
    if len(shown) > 1:
        raise RequestRefused(Reason.GATEWAY_ERROR)
    rest = [pair for pair in headers if pair[0] != header.name]
    return read_certificate(header.form, shown[0]), rest


@lru_cache(maxsize=512)
def read_certificate(form: CertificateForm, value: bytes) -> bytes | CertificateState:
    """Return the SHA-256 of a certificate, or that there is none.

    Raises:
        RequestRefused: GATEWAY_ERROR.

    """
    value = value.strip(_BLANKS)
    if not value:
        return CertificateState.NONE
    if form is CertificateForm.PEM:
        return _of_pem(value)
    if form is CertificateForm.DER:
        return _of_base64(unquote_to_bytes(value))
    if form is CertificateForm.XFCC:
        return _of_element(value)
    sequence = _BYTE_SEQUENCE.fullmatch(value)
    if sequence is None:
        raise RequestRefused(Reason.GATEWAY_ERROR)
    return _of_base64(sequence[1])


def _of_element(value: bytes) -> bytes:
    if not _ELEMENT.fullmatch(value):  # one that is longer than one, too
        raise RequestRefused(Reason.GATEWAY_ERROR)
    pairs = [(name.lower(), text) for name, text in _PAIRS.findall(value)]
    hashes = [text for name, text in pairs if name == b"hash"]
    if hashes:
        if len(hashes) > 1 or not _SHA256.fullmatch(hashes[0]):
            raise RequestRefused(Reason.GATEWAY_ERROR)
        return bytes.fromhex(hashes[0].decode("ascii"))
    certificates = [text for name, text in pairs if name == b"cert"]
    if len(certificates) != 1:
        raise RequestRefused(Reason.GATEWAY_ERROR)
    return _of_pem(certificates[0].strip(b'"'))


def _of_pem(text: bytes) -> bytes:
    found = _PEM.fullmatch(unquote_to_bytes(text))
    if found is None:
        raise RequestRefused(Reason.GATEWAY_ERROR)
    return _of_base64(found[1].translate(None, _BLANKS))


def _of_base64(text: bytes) -> bytes:
    try:
        certificate = base64.b64decode(text, validate=True)
    except ValueError:
        raise RequestRefused(Reason.GATEWAY_ERROR) from None
    if not certificate:
        raise RequestRefused(Reason.GATEWAY_ERROR)
    return sha256(certificate).digest()
