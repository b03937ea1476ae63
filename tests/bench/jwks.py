"""What the verification of a token costs on top of its signature, and what others take for it.

Every algorithm is compared with a bare verification by cryptography of the same algorithm, over the
same octets, in the same round. Tokens have 15 claims and are 1.1 KB long with RS256. PyJWT, joserfc
and authlib are called as their users call them: the key found by its name in a set that was read
before, then signature, issuer, audience and times.
"""

import json
import statistics
import time
import warnings
from collections.abc import Callable, Mapping, Sequence

import jwt
from authlib.deprecate import AuthlibDeprecationWarning
from bench import deployment
from bench.figures import BATCH, Figure
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from joserfc import jwt as joserfc_jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import KeySet
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from gatepass.jwks import InlineKeys, Issuer, IssuerRules, Verifier
from support.tokens import AUDIENCE, ISSUER, SigningKey, key_set, signing_key

BOUNDS = {"RS256": (2.0, 1.6), "ES256": (1.3, None), "EdDSA": (1.2, None)}
"""For a new token: what must hold, and what we aim at."""

CACHED_BOUND = 0.1
_LEFT_OUT = ("sid", "acr")
_GROUPS = ("staff", "berlin", "research", "on-call", "vpn-users", "wiki-editors", "bike-leasing")

Judge = Callable[[bytes], object]


def claims(number: int) -> dict[str, object]:
    """Return fifteen claims with those that every token has."""
    more = {
        "groups": [
            *_GROUPS,
            "building-7-second-floor",
            "on-site",
            "mentors",
            "first-aid",
            "llm-early-access",
        ]
    }
    kept = {
        name: claim for name, claim in deployment.claims(number).items() if name not in _LEFT_OUT
    }
    return kept | more


def rules(algorithm: str) -> IssuerRules:
    return IssuerRules(ISSUER, frozenset({AUDIENCE}), frozenset({algorithm}))


async def jwks(rounds: int) -> list[Figure]:
    """Time every algorithm."""
    return [figure for algorithm in BOUNDS for figure in await _algorithm(algorithm, rounds)]


async def _algorithm(algorithm: str, rounds: int) -> list[Figure]:
    key = signing_key(algorithm)
    verifier = Verifier([Issuer(rules(algorithm), InlineKeys(key_set(key)))])
    await verifier.start()
    seen = key.token(claims(0))
    others = _others(key)
    judges: dict[str, Judge] = {"Gatepass": verifier.verify_warm, **others}
    for judge in judges.values():
        judge(seen)
    bare = bare_verification_of(key, seen)
    references: list[float] = []
    new: dict[str, list[float]] = {name: [] for name in judges}
    cached: list[float] = []
    for first in range(1, rounds * BATCH, BATCH):
        tokens = [key.token(claims(first + i)) for i in range(BATCH)]
        references.append(bare())
        for name, judge in judges.items():
            new[name].append(_timed(judge, tokens))
        cached.append(_timed(verifier.verify_warm, [seen] * BATCH))
    await verifier.close()
    reference = statistics.median(references)
    figures = [Figure(f"{algorithm}: bare verification", reference, 1.0, 1.0)]
    bound, aim = BOUNDS[algorithm]
    for name, times in new.items():
        ratio = _ratio(times, references)
        ours = name == "Gatepass"
        figures.append(
            Figure(
                f"{algorithm}: {name}, new token",
                statistics.median(times),
                ratio,
                bound if ours else ratio,
                aim if ours else None,
            )
        )
    ratio = _ratio(cached, references)
    name = f"{algorithm}: Gatepass, token seen before"
    figures.append(Figure(name, statistics.median(cached), ratio, CACHED_BOUND))
    return figures


def _ratio(times: Sequence[float], references: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(times, references, strict=True))


def _timed(judge: Judge, tokens: Sequence[bytes]) -> float:
    start = time.perf_counter()
    for token in tokens:
        judge(token)
    return (time.perf_counter() - start) / len(tokens) * 1e6


def bare_verification_of(key: SigningKey, token: bytes) -> Callable[[], float]:
    """Return a timer of cryptography's own verification of the octets that the token signs."""
    signing_input = token.rpartition(b".")[0]
    digest = hashes.SHA256()
    private = key.private
    verify: Callable[[], None]
    if isinstance(private, rsa.RSAPrivateKey):
        scheme, rsa_public = padding.PKCS1v15(), private.public_key()
        signature = private.sign(signing_input, scheme, digest)

        def verify() -> None:
            rsa_public.verify(signature, signing_input, scheme, digest)

    elif isinstance(private, ec.EllipticCurvePrivateKey):
        algorithm, ec_public = ec.ECDSA(digest), private.public_key()
        signature = private.sign(signing_input, algorithm)

        def verify() -> None:
            ec_public.verify(signature, signing_input, algorithm)

    else:
        public, signature = private.public_key(), private.sign(signing_input)

        def verify() -> None:
            public.verify(signature, signing_input)

    def once() -> float:
        start = time.perf_counter()
        for _ in range(BATCH):
            verify()
        return (time.perf_counter() - start) / BATCH * 1e6

    return once


def _others(key: SigningKey) -> Mapping[str, Judge]:
    """Return what others offer for the same question, each with the keys in hand."""
    document = json.loads(key_set(key))
    algorithms = [key.algorithm]
    jwk_set = jwt.PyJWKSet.from_dict(document)

    def pyjwt(token: bytes) -> object:
        kid = jwt.get_unverified_header(token)["kid"]
        return jwt.decode(
            token, jwk_set[kid], algorithms=algorithms, audience=AUDIENCE, issuer=ISSUER
        )

    keys = KeySet.import_key_set(document)
    issuer: ClaimsOption = {"essential": True, "value": ISSUER}
    audience: ClaimsOption = {"essential": True, "value": AUDIENCE}
    expires: ClaimsOption = {"essential": True}
    registry = JWTClaimsRegistry(iss=issuer, aud=audience, exp=expires)
    # it warns of the name EdDSA, which is what issuers say
    warnings.simplefilter("ignore", SecurityWarning)

    def joserfc(token: bytes) -> object:
        verified = joserfc_jwt.decode(token.decode(), keys, algorithms=algorithms)
        registry.validate(verified.claims)
        return verified.claims

    # it warns that joserfc will take its place
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.jose import JsonWebKey, JsonWebToken  # noqa: PLC0415 - warns when imported

    wanted = {"iss": issuer, "aud": audience, "exp": expires}
    authlib_keys, authlib_jwt = JsonWebKey.import_key_set(document), JsonWebToken(algorithms)

    def authlib(token: bytes) -> object:
        verified = authlib_jwt.decode(token, authlib_keys, claims_options=wanted)
        verified.validate()
        return verified

    return {"PyJWT": pyjwt, "joserfc": joserfc, "authlib": authlib}
