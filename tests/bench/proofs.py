"""What a proof of a key (DPoP) adds to a request whose token is in memory: checked each time."""

import statistics
import time

from bench.figures import BATCH, Figure
from bench.jwks import bare_verification_of

from gatepass.jwks import (
    Binding,
    InlineKeys,
    Issuer,
    IssuerRules,
    ProofChecker,
    ProofRules,
    VerifiedToken,
    Verifier,
)
from support.proofs import URL, bound_to, proof_for, thumbprint
from support.tokens import AUDIENCE, ISSUER, SigningKey, key_set, signing_key

BOUNDS = {"ES256": 1.8, "EdDSA": 1.6, "RS256": 2.5}
"""To a bare verification of the same algorithm."""

_PATH = "/v1/chat/completions"


async def proofs(rounds: int) -> list[Figure]:
    """Time a proof by every usual algorithm: check and use."""
    return [await _of(signing_key(algorithm, "client"), rounds) for algorithm in BOUNDS]


async def _of(key: SigningKey, rounds: int) -> Figure:
    issuer = signing_key("EdDSA")
    rules = IssuerRules(ISSUER, frozenset({AUDIENCE}), frozenset({"EdDSA"}), dpop=Binding.REQUIRED)
    verifier = Verifier([Issuer(rules, InlineKeys(key_set(issuer)))])
    await verifier.start()
    token = issuer.token({"cnf": bound_to(key)})
    verified = verifier.verify_warm(token)
    assert verified is not None
    checker = ProofChecker(ProofRules((URL,), max_age_seconds=300, max_proofs=10**7))
    bound = thumbprint(key)
    bare = bare_verification_of(key, proof_for(token, key))
    references, times = [], []
    for _ in range(rounds):
        batch = [proof_for(token, key) for _ in range(BATCH)]
        references.append(bare())
        times.append(_time(checker, verified, bound, batch))
    ratio = statistics.median(a / b for a, b in zip(times, references, strict=True))
    name = f"{key.algorithm} proof (DPoP), token seen before"
    return Figure(name, statistics.median(times), ratio, BOUNDS[key.algorithm])


def _time(checker: ProofChecker, token: VerifiedToken, bound: bytes, batch: list[bytes]) -> float:
    start = time.perf_counter()
    for proof in batch:
        checker.use(checker.check(proof, token, bound, "POST", _PATH))
    return (time.perf_counter() - start) / len(batch) * 1e6
