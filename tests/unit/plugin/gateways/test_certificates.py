"""The client's certificate in every form that a gateway writes, and in none."""

import base64
import hashlib
from urllib.parse import quote

import pytest

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.certificates import (
    CertificateForm,
    CertificateHeader,
    read_certificate,
    take_certificate,
)
from gatepass.plugin.request import CertificateState
from support.tokens import b64

PEM, DER, XFCC, RFC9440 = (
    CertificateForm.PEM,
    CertificateForm.DER,
    CertificateForm.XFCC,
    CertificateForm.RFC9440,
)

# RFC 8705 appendix A, figures 5 and 6
LINES = (
    "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx",
    "ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG",
    "SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ",
    "/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID",
    "SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV",
    "bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=",
)
THUMBPRINT = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"

BASE64 = "".join(LINES)
WRITTEN = "\n".join(("-----BEGIN CERTIFICATE-----", *LINES, "-----END CERTIFICATE-----", ""))
HEX = hashlib.sha256(base64.b64decode(BASE64)).hexdigest()
ESCAPED = quote(WRITTEN, safe="")


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (PEM, WRITTEN),
        (PEM, ESCAPED),
        (PEM, quote(WRITTEN)),
        (PEM, WRITTEN.replace("\n", "\n\t").strip()),
        (DER, BASE64),
        (DER, quote(BASE64, safe="")),
        (RFC9440, f":{BASE64}:"),
        (XFCC, f"Hash={HEX}"),
        (XFCC, f"hash={HEX.upper()}"),
        (XFCC, f'By=spiffe://a/b;Hash={HEX};Subject="CN=a;b, \\"c\\",Hash=00";URI=spiffe://c?d=e'),
        (XFCC, f'Hash={HEX};Cert="{ESCAPED}"'),
        (XFCC, f'By=;Cert="{ESCAPED}"'),
    ],
)
def test_the_example_of_rfc_8705_in_every_form(form: CertificateForm, value: str) -> None:
    found = read_certificate(form, value.encode())
    assert isinstance(found, bytes)
    assert b64(found) == THUMBPRINT


@pytest.mark.parametrize("form", list(CertificateForm))
@pytest.mark.parametrize("value", [b"", b"  "])
def test_nothing_is_no_certificate(form: CertificateForm, value: bytes) -> None:
    assert read_certificate(form, value) is CertificateState.NONE


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (PEM, BASE64),
        (PEM, WRITTEN + WRITTEN),
        (PEM, WRITTEN + "x"),
        (PEM, "-----BEGIN CERTIFICATE----- = -----END CERTIFICATE-----"),
        (PEM, "-----BEGIN CERTIFICATE----- AAA -----END CERTIFICATE-----"),
        (PEM, WRITTEN.replace("CERTIFICATE", "PRIVATE KEY")),
        (DER, f"{BASE64},{BASE64}"),
        (DER, "not base64"),
        (DER, "AAA"),
        (RFC9440, BASE64),
        (RFC9440, f":{BASE64}:, :{BASE64}:"),
        (RFC9440, "::"),
        (RFC9440, f":{BASE64}:;a=1"),
        (RFC9440, ":A:"),
        (XFCC, f"Hash={HEX},Hash={HEX}"),
        (XFCC, f"Hash={HEX};Hash={'0' * 64}"),
        (XFCC, f"Hash={HEX[:-1]}"),
        (XFCC, "Hash="),
        (XFCC, 'Subject="CN=a"'),
        (XFCC, f'Subject="Hash={HEX}'),
        (XFCC, f'Cert="{ESCAPED}";Cert="{ESCAPED}"'),
        (XFCC, 'Cert=""'),
        (XFCC, "\xff"),
    ],
)
def test_sec_44_what_the_gateway_does_not_say_clearly_is_refused(
    form: CertificateForm, value: str
) -> None:
    for _ in range(2):  # nothing of it is remembered
        with pytest.raises(RequestRefused) as refused:
            read_certificate(form, value.encode("latin-1"))
        assert refused.value.code == "gateway_error"


HEADER = CertificateHeader(b"x-client-cert", PEM)


def test_the_header_is_taken_out_of_the_request() -> None:
    others = [(b"a", b"1"), (b"b", b"2")]
    assert take_certificate(HEADER, others) == (CertificateState.NONE, others)
    shown = [others[0], (b"x-client-cert", ESCAPED.encode()), others[1]]
    certificate, rest = take_certificate(HEADER, shown)
    assert isinstance(certificate, bytes)
    assert b64(certificate) == THUMBPRINT
    assert rest == others


def test_sec_37_44_two_certificates_are_refused_and_other_spellings_are_not_taken() -> None:
    twice = [(b"x-client-cert", ESCAPED.encode())] * 2
    with pytest.raises(RequestRefused) as refused:
        take_certificate(HEADER, twice)
    assert refused.value.code == "gateway_error"
    spelled = [(b"x_client_cert", ESCAPED.encode())]
    assert take_certificate(HEADER, spelled) == (CertificateState.NONE, spelled)
