"""The fingerprint of RSA keys made by a broken chip library (ROCA, CVE-2017-15361).

Its primes are k * M + (65537^a mod M), where M is the product of the first primes: so the modulus,
too, is a power of 65537 modulo each of them. A random modulus passes all tests with a probability
below 2^-100. Such keys can be factored; nothing signed by them proves anything.
"""

_GENERATOR = 65537
# The odd primes that divide M for every key size: M of the shortest keys ends at 167.
_LARGEST_PRIME = 167
_PRIMES = tuple(
    number
    for number in range(3, _LARGEST_PRIME + 1)
    if all(number % divisor for divisor in range(2, number))
)


def _powers(prime: int) -> frozenset[int]:
    powers = {1}
    power = _GENERATOR % prime
    while power != 1:
        powers.add(power)
        power = power * _GENERATOR % prime
    return frozenset(powers)


_POWERS = tuple((prime, _powers(prime)) for prime in _PRIMES)


def has_roca_fingerprint(modulus: int) -> bool:
    """Say whether an RSA modulus was made the broken way (Nemec et al., CCS 2017, section 4)."""
    return all(modulus % prime in powers for prime, powers in _POWERS)
