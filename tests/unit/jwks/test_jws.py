import pytest

from gatepass.jwks.errors import TokenFault, TokenRefused
from gatepass.jwks.header import HeaderCache
from gatepass.jwks.jws import check_signature, parse_jws
from gatepass.jwks.limits import DEFAULT_LIMITS
from support.tokens import b64, signing_key
from support.verification import published

RSA = signing_key("RS256")
TOKEN = RSA.token()
HEADER, PAYLOAD, SIGNATURE = TOKEN.split(b".")
JWE = b"eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AA.AA.AA.AA"


def fault_of(token: bytes) -> TokenFault:
    with pytest.raises(TokenRefused) as refused:
        parse_jws(token, DEFAULT_LIMITS)
    return refused.value.fault


def test_a_token_is_taken_apart() -> None:
    jws = parse_jws(TOKEN, DEFAULT_LIMITS)
    assert jws.signing_input == HEADER + b"." + PAYLOAD
    assert b64(jws.payload).encode() == PAYLOAD
    assert b64(jws.signature).encode() == SIGNATURE
    assert (jws.header.algorithm, jws.header.kid, jws.padded) == ("RS256", RSA.kid, False)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b".", id="one-dot"),
        pytest.param(b"..", id="two-dots"),
        pytest.param(b"abc", id="one-segment"),
        pytest.param(b"null", id="json"),
        pytest.param(HEADER + b"A", id="a-header-and-no-dot"),
        pytest.param(HEADER + b"." + PAYLOAD, id="two-segments"),
        pytest.param(TOKEN + b".", id="dot-behind"),
        pytest.param(b"." + TOKEN, id="dot-in-front"),
        pytest.param(TOKEN + b"." + SIGNATURE, id="four-segments"),
        pytest.param(b" " + TOKEN, id="space-in-front"),
        pytest.param(TOKEN + b" ", id="space-behind"),
        pytest.param(TOKEN + b"\n", id="line-break-behind"),
        pytest.param(b"Bearer " + TOKEN, id="scheme"),
        pytest.param(TOKEN + b"," + TOKEN, id="two-tokens"),
        pytest.param("\u0430.b.c".encode(), id="cyrillic"),
        pytest.param(b"\xff\xfe.b.c", id="octets"),
        pytest.param(b'{"protected":"","payload":"","signature":""}', id="json-serialization"),
    ],
)
def test_sec_06_a_token_is_three_segments_and_nothing_else(token: bytes) -> None:
    assert fault_of(token) is TokenFault.MALFORMED


def test_sec_13_an_encrypted_token_is_malformed() -> None:
    assert fault_of(JWE) is TokenFault.MALFORMED


@pytest.mark.parametrize("position", [0, 1, 2])
def test_sec_06_every_segment_is_canonical(position: int) -> None:
    for spoil in (b"=", b"==", b"!", b" ", b"\n", b"+"):
        segments = [HEADER, PAYLOAD, SIGNATURE]
        segments[position] += spoil
        assert fault_of(b".".join(segments)) is TokenFault.MALFORMED


def test_sec_09_a_token_is_bounded_before_it_is_read() -> None:
    assert fault_of(b"a" * (16 * 1024 + 1)) is TokenFault.TOO_LARGE
    assert fault_of(b"a" * (16 * 1024)) is TokenFault.MALFORMED


def test_a_refused_header_is_told_before_a_broken_payload() -> None:
    for members, fault in (({"crit": []}, "bad_header"), ({"alg": "none"}, "unsupported_alg")):
        header = RSA.token(header=members).split(b".")[0]
        assert fault_of(header + b".{}.") == fault


def test_an_empty_payload_and_signature_can_be_taken_apart() -> None:
    jws = parse_jws(HEADER + b"..", DEFAULT_LIMITS)
    assert (jws.payload, jws.signature) == (b"", b"")


@pytest.mark.parametrize("position", [0, 1, 2])
def test_sec_07_padding_is_taken_where_it_is_allowed_and_told(position: int) -> None:
    segments = [b64(b'{"alg":"RS256"} ').encode(), b64(b"{} ?").encode(), b64(b"x").encode()]
    segments[position] += b"=" * (-len(segments[position]) % 4)
    token = b".".join(segments)
    assert fault_of(token) is TokenFault.MALFORMED
    jws = parse_jws(token, DEFAULT_LIMITS, allow_padding=True)
    assert jws.padded
    assert token.startswith(jws.signing_input + b".")
    assert (jws.payload, jws.signature) == (b"{} ?", b"x")


def test_a_header_is_read_once() -> None:
    headers = HeaderCache()
    first = parse_jws(TOKEN, DEFAULT_LIMITS, headers=headers)
    second = parse_jws(RSA.token({"sub": "another"}), DEFAULT_LIMITS, headers=headers)
    assert first.header is second.header
    assert len(headers) == 1


def test_a_refused_header_is_not_remembered() -> None:
    headers = HeaderCache()
    for _ in range(2):
        with pytest.raises(TokenRefused):
            parse_jws(RSA.token(header={"crit": []}), DEFAULT_LIMITS, headers=headers)
    assert len(headers) == 0


@pytest.mark.parametrize(
    ("header", "algorithms", "fault"),
    [
        ({}, {"ES256", "PS256"}, TokenFault.UNSUPPORTED_ALG),
        ({}, set(), TokenFault.UNSUPPORTED_ALG),
        ({"kid": "nope"}, {"RS256"}, TokenFault.UNKNOWN_KEY),
        ({"alg": "PS256"}, {"RS256", "PS256"}, TokenFault.UNKNOWN_KEY),
    ],
)
def test_a_signature_is_checked_with_the_issuers_key_and_algorithm(
    header: dict[str, object], algorithms: set[str], fault: TokenFault
) -> None:
    jws = parse_jws(RSA.token(header=header), DEFAULT_LIMITS)
    with pytest.raises(TokenRefused) as refused:
        check_signature(jws, published(RSA), algorithms)
    assert refused.value.fault is fault


def test_a_signature_of_another_key_is_refused() -> None:
    stranger = signing_key("RS256", "stranger")
    jws = parse_jws(stranger.token(header={"kid": RSA.kid}), DEFAULT_LIMITS)
    with pytest.raises(TokenRefused) as refused:
        check_signature(jws, published(RSA), {"RS256"})
    assert refused.value.fault is TokenFault.BAD_SIGNATURE
    check_signature(parse_jws(TOKEN, DEFAULT_LIMITS), published(RSA), {"RS256"})
