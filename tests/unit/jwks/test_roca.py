import math

from cryptography.hazmat.primitives.asymmetric import rsa

from gatepass.jwks.roca import has_roca_fingerprint
from support.tokens import signing_key


def _first_primes(count: int) -> list[int]:
    primes: list[int] = []
    number = 2
    while len(primes) < count:
        if all(number % prime for prime in primes):
            primes.append(number)
        number += 1
    return primes


def _roca_factor(primorial: int, multiple: int, exponent: int) -> int:
    return multiple * primorial + pow(65537, exponent, primorial)


def test_sec_28_a_modulus_of_the_broken_library_is_recognized() -> None:
    for count in (39, 71, 126, 225):  # key sizes from 512 to 4096 bits use these
        primorial = math.prod(_first_primes(count))
        factors = (_roca_factor(primorial, 12345, 678901), _roca_factor(primorial, 54321, 109876))
        assert has_roca_fingerprint(math.prod(factors))


def test_a_modulus_made_by_chance_is_not() -> None:
    public = signing_key().private.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    modulus = public.public_numbers().n
    assert not any(has_roca_fingerprint(modulus + 2 * step) for step in range(1000))
