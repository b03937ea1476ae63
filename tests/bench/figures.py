"""What a figure is, and the reference that all of them are compared with."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from support.tokens import signing_key

BATCH = 200


@dataclass(frozen=True)
class Figure:
    """One line of the table; `ratio` is to the bare verification."""

    name: str
    microseconds: float
    ratio: float
    bound: float
    aim: float | None = None
    bound_is_microseconds: bool = False

    @property
    def holds(self) -> bool:
        return (self.microseconds if self.bound_is_microseconds else self.ratio) <= self.bound


@dataclass(frozen=True)
class Reading:
    """One line of the table for what is no time."""

    name: str
    value: float
    unit: str
    bound: float

    @property
    def holds(self) -> bool:
        return self.value <= self.bound


def bare_verification() -> Callable[[], float]:
    """Return a timer of the reference: cryptography's own verify, nothing else."""
    key = signing_key("RS256").private
    assert isinstance(key, rsa.RSAPrivateKey)
    message, scheme, digest = b"x" * 900, padding.PKCS1v15(), hashes.SHA256()
    signature, public = key.sign(b"x" * 900, scheme, digest), key.public_key()

    def once() -> float:
        start = time.perf_counter()
        for _ in range(BATCH):
            public.verify(signature, message, scheme, digest)
        return (time.perf_counter() - start) / BATCH * 1e6

    return once
