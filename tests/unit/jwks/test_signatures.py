"""Signatures that a lax implementation takes: each must not verify, and none may crash."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from gatepass.jwks.keys import Key, key_from_jwk
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.rules import ALGORITHMS
from support.tokens import SigningKey, signing_key

MESSAGE = b"header.payload"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def public_key(signer: SigningKey) -> Key:
    return key_from_jwk(signer.jwk(), DEFAULT_LIMITS)


def rsa_private() -> rsa.RSAPrivateKey:
    private = signing_key("RS256").private
    assert isinstance(private, rsa.RSAPrivateKey)
    return private


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_every_algorithm_verifies_its_own_signatures(algorithm: str) -> None:
    signer = signing_key(algorithm)
    key = public_key(signer)
    signature = signer.sign(MESSAGE)
    assert key.verify(algorithm, MESSAGE, signature)
    assert not key.verify(algorithm, MESSAGE + b"x", signature)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda signature: bytes(len(signature)), id="zeros"),
        pytest.param(lambda signature: b"\xff" * len(signature), id="ones"),
        pytest.param(lambda signature: signature[:-1], id="truncated"),
        pytest.param(lambda signature: signature[1:], id="first-octet-missing"),
        pytest.param(lambda signature: signature + b"\0", id="zero-appended"),
        pytest.param(lambda signature: b"\0" + signature, id="zero-in-front"),
        pytest.param(lambda signature: signature[:-1] + bytes([signature[-1] ^ 1]), id="one-bit"),
        pytest.param(lambda signature: signature * 2, id="twice"),
    ],
)
def test_changed_signatures_do_not_verify(algorithm: str, change: Callable[[bytes], bytes]) -> None:
    signer = signing_key(algorithm)
    assert not public_key(signer).verify(algorithm, MESSAGE, change(signer.sign(MESSAGE)))


def test_sec_02_a_key_does_not_verify_with_an_algorithm_that_is_not_its_own() -> None:
    signer = signing_key("RS256")
    assert not public_key(signer).verify("PS256", MESSAGE, signer.sign(MESSAGE, "PS256"))
    assert not public_key(signer).verify("HS256", MESSAGE, signer.sign(MESSAGE))


def test_an_rsa_signature_plus_the_modulus_does_not_verify() -> None:
    signer = signing_key("RS256")
    modulus = rsa_private().public_key().public_numbers().n
    for attempt in range(64):  # the sum must still fit the length of the modulus
        message = MESSAGE + bytes([attempt])
        number = int.from_bytes(signer.sign(message), "big") + modulus
        if number.bit_length() <= 2048:
            break
    signature = number.to_bytes((number.bit_length() + 7) // 8, "big")
    assert not public_key(signer).verify("RS256", message, signature)


@pytest.mark.parametrize("digest", [hashes.SHA1(), hashes.SHA512(), hashes.SHA3_256()])  # noqa: S303 - what is refused
def test_another_hash_under_rs256_does_not_verify(digest: hashes.HashAlgorithm) -> None:
    signature = rsa_private().sign(MESSAGE, padding.PKCS1v15(), digest)
    assert not public_key(signing_key("RS256")).verify("RS256", MESSAGE, signature)


@pytest.mark.parametrize(
    ("salt_size", "mask_digest"),
    [
        pytest.param(0, hashes.SHA256(), id="no-salt"),
        pytest.param(20, hashes.SHA256(), id="short-salt"),
        pytest.param(64, hashes.SHA256(), id="long-salt"),
        pytest.param(32, hashes.SHA1(), id="mask-of-sha1"),  # noqa: S303 - what is refused
    ],
)
def test_other_pss_parameters_under_ps256_do_not_verify(
    salt_size: int, mask_digest: hashes.HashAlgorithm
) -> None:
    signer = SigningKey("pss", "PS256", rsa_private())
    scheme = padding.PSS(padding.MGF1(mask_digest), salt_size)
    signature = rsa_private().sign(MESSAGE, scheme, hashes.SHA256())
    assert not public_key(signer).verify("PS256", MESSAGE, signature)


def test_rs256_and_ps256_signatures_are_not_taken_for_each_other() -> None:
    key = key_from_jwk(signing_key("RS256").jwk(alg=None), DEFAULT_LIMITS)
    signer = signing_key("RS256")
    for made, asked in (("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "RS384")):
        assert not key.verify(asked, MESSAGE, signer.sign(MESSAGE, made))
        assert key.verify(made, MESSAGE, signer.sign(MESSAGE, made))


def halves(signature: bytes) -> tuple[int, int]:
    size = len(signature) // 2
    return int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")


def joined(r: int, s: int, size: int = 32) -> bytes:
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


@pytest.mark.parametrize(
    ("r", "s"),
    [
        pytest.param(0, 0, id="both-zero"),
        pytest.param(0, 1, id="r-zero"),
        pytest.param(1, 0, id="s-zero"),
        pytest.param(P256_ORDER, P256_ORDER, id="both-the-order"),
        pytest.param(P256_ORDER, 1, id="r-the-order"),
        pytest.param(1, P256_ORDER, id="s-the-order"),
        pytest.param(1, 1, id="both-one"),
        pytest.param(P256_ORDER - 1, P256_ORDER - 1, id="both-the-order-less-one"),
    ],
)
def test_ecdsa_numbers_outside_of_the_group_do_not_verify(r: int, s: int) -> None:
    assert not public_key(signing_key("ES256")).verify("ES256", MESSAGE, joined(r, s))


def test_an_ecdsa_signature_has_one_spelling() -> None:
    signer = signing_key("ES256")
    assert isinstance(signer.private, ec.EllipticCurvePrivateKey)
    key = public_key(signer)
    r, s = halves(signer.sign(MESSAGE))
    der = signer.private.sign(MESSAGE, ec.ECDSA(hashes.SHA256()))
    assert not key.verify("ES256", MESSAGE, der)
    assert not key.verify("ES256", MESSAGE, joined(r, s, 33))
    assert not key.verify("ES256", MESSAGE, joined(r + P256_ORDER, s, 33))
    assert not key.verify("ES256", MESSAGE, joined(s, r))
    assert not key.verify("ES256", MESSAGE, r.to_bytes(32, "big") + b"\0" + s.to_bytes(32, "big"))


def test_an_ed25519_signature_with_a_number_beyond_the_order_does_not_verify() -> None:
    signer = signing_key("EdDSA")
    assert isinstance(signer.private, ed25519.Ed25519PrivateKey)
    signature = signer.sign(MESSAGE)
    number = int.from_bytes(signature[32:], "little")
    for malleable in (number + ED25519_ORDER, number + 2 * ED25519_ORDER):
        other = signature[:32] + malleable.to_bytes(32, "little")
        assert not public_key(signer).verify("EdDSA", MESSAGE, other)
