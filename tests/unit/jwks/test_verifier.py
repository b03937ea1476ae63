import asyncio
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gatepass.jwks import (
    CacheBounds,
    ConfigurationError,
    FileKeys,
    InlineKeys,
    Issuer,
    KeySourceUnavailable,
    Limits,
    TokenFault,
    VerifiedToken,
    Verifier,
)
from gatepass.jwks.faults import KeyFault, KeyRemark
from support.clock import ManualClock
from support.key_source import ScriptedSource
from support.keys_over_time import (
    KEY,
    KEYS,
    NEXT,
    OTHER_ISSUER,
    MakeVerifier,
    made_up,
    refused,
    rules,
)
from support.tokens import ISSUER, SigningKey, base_claims, key_set, signing_key

DOWN = KeySourceUnavailable("timeout")


async def test_a_good_token_passes_at_once_once_the_keys_are_there(
    make_verifier: MakeVerifier,
) -> None:
    verifier = make_verifier(InlineKeys(KEYS))
    token = KEY.token()
    assert verifier.verify_warm(token) is None
    assert not verifier.ready
    await verifier.start()
    assert verifier.ready
    verified = verifier.verify_warm(token)
    assert isinstance(verified, VerifiedToken)
    assert (verified.issuer, verified.subject) == (ISSUER, "user-1")
    assert verifier.verify_warm(token) is verified
    assert await verifier.verify(token) is verified


async def test_keys_are_loaded_by_the_first_token_without_start(
    make_verifier: MakeVerifier,
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    tokens = [KEY.token({"jti": str(number)}) for number in range(50)]
    verified = await asyncio.gather(*(verifier.verify(token) for token in tokens))
    assert len({token.digest for token in verified}) == 50
    assert source.loads == 1


async def test_keys_from_a_file_rotate_with_it(
    make_verifier: MakeVerifier, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(KEYS)
    verifier = make_verifier(FileKeys(path))
    await verifier.verify(KEY.token())
    path.write_bytes(key_set(NEXT))
    clock.advance(10)
    await verifier.verify(NEXT.token())
    assert await refused(verifier, KEY.token()) is TokenFault.UNKNOWN_KEY


async def test_sec_09_an_oversized_token_is_refused_before_it_is_hashed(
    make_verifier: MakeVerifier,
) -> None:
    verifier = make_verifier(InlineKeys(KEYS))
    await verifier.start()
    size = Limits().max_token_bytes
    length_alone = cast("bytes", range(size + 1))  # hashing it would be a TypeError
    assert await refused(verifier, length_alone) is TokenFault.TOO_LARGE
    assert await refused(verifier, b"a" * (size + 1)) is TokenFault.TOO_LARGE
    assert await refused(verifier, b"a" * size) is TokenFault.MALFORMED


async def test_sec_14_the_issuer_is_found_by_its_exact_string(make_verifier: MakeVerifier) -> None:
    verifier = make_verifier(InlineKeys(KEYS))
    await verifier.start()
    for issuer in (f"{ISSUER}/", ISSUER.upper(), f" {ISSUER}", "", None, [ISSUER], OTHER_ISSUER):
        assert await refused(verifier, KEY.token({"iss": issuer})) is TokenFault.BAD_ISSUER


async def test_sec_14_an_unknown_issuer_is_refused_before_keys_are_loaded(
    make_verifier: MakeVerifier,
) -> None:
    source = ScriptedSource(KEYS)
    verifier = make_verifier(source)
    assert await refused(verifier, KEY.token({"iss": OTHER_ISSUER})) is TokenFault.BAD_ISSUER
    assert source.loads == 0


async def test_sec_16_keys_of_two_issuers_never_meet(make_verifier: MakeVerifier) -> None:
    theirs = signing_key("ES256", "their-own")
    namesake = type(KEY)(KEY.kid, KEY.algorithm, theirs.private)
    verifier = make_verifier(InlineKeys(KEYS), InlineKeys(key_set(namesake)))
    await verifier.start()
    await verifier.verify(KEY.token())
    await verifier.verify(namesake.token({"iss": OTHER_ISSUER}))
    assert await refused(verifier, KEY.token({"iss": OTHER_ISSUER})) is TokenFault.BAD_SIGNATURE
    assert await refused(verifier, namesake.token()) is TokenFault.BAD_SIGNATURE


async def test_sec_07_padding_passes_for_the_issuers_that_allow_it(clock: ManualClock) -> None:
    padding = rules("https://alb.example", allow_padding=True)
    keys = InlineKeys(KEYS)
    verifier = Verifier([Issuer(padding, keys), Issuer(rules(), keys)], clock=clock)
    await verifier.start()

    def padded(issuer: str) -> bytes:
        header = {"alg": "ES256", "kid": KEY.kid, "typ": "JWT"}
        claims = base_claims() | {"iss": issuer}
        texts = [json.dumps(header).encode(), json.dumps(claims).encode()]
        while len(texts[0]) % 3 == 0:
            texts[0] += b" "
        return _sign_padded(*texts)

    verified = await verifier.verify(padded("https://alb.example"))
    assert verified.issuer == "https://alb.example"
    assert await refused(verifier, padded(ISSUER)) is TokenFault.MALFORMED


def _sign_padded(header: bytes, claims: bytes) -> bytes:
    signing_input = urlsafe_b64encode(header) + b"." + urlsafe_b64encode(claims)
    return signing_input + b"." + urlsafe_b64encode(KEY.sign(signing_input))


async def test_sec_10_a_remembered_token_ends_on_time(clock: ManualClock) -> None:
    verifier = Verifier([Issuer(rules(leeway_seconds=10), InlineKeys(KEYS))], clock=clock)
    end = int(clock.wall()) + 100
    token = KEY.token({"exp": end})
    verified = await verifier.verify(token)
    clock.advance(end + 9.9 - clock.wall())
    assert verifier.verify_warm(token) is verified
    clock.advance(end + 10 - clock.wall())
    assert await refused(verifier, token) is TokenFault.EXPIRED


async def test_sec_66_a_remembered_token_dies_although_the_clock_is_set_back(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    verifier = make_verifier(InlineKeys(KEYS))
    token = KEY.token({"exp": int(clock.wall()) + 100})
    verified = await verifier.verify(token)
    clock.advance(90)
    clock.jump_wall(-50)
    assert verifier.verify_warm(token) is verified
    clock.advance(10)
    again = verifier.verify_warm(token)
    assert again is not verified  # judged anew, by what the wall clock says now


async def test_refusals_are_not_remembered(make_verifier: MakeVerifier) -> None:
    verifier = make_verifier(InlineKeys(KEYS))
    await verifier.start()
    for number in range(20):
        await refused(verifier, made_up(number))
        await refused(verifier, KEY.token({"aud": f"other-{number}"}))
    assert len(verifier._cache) == 0


async def test_remembered_tokens_are_bounded(clock: ManualClock) -> None:
    issuer = Issuer(rules(), InlineKeys(KEYS))
    verifier = Verifier([issuer], clock=clock, cache=CacheBounds(max_tokens=3))
    for number in range(10):
        await verifier.verify(KEY.token({"jti": str(number)}))
    assert len(verifier._cache) == 3


async def test_status_tells_the_state_of_every_issuer(
    make_verifier: MakeVerifier, clock: ManualClock
) -> None:
    document = json.loads(KEYS)
    unusual = SigningKey("key-3", "RS256", rsa.generate_private_key(3, 2048))
    document["keys"] += [{"kty": "oct", "k": "AAAA"}, unusual.jwk()]
    source = ScriptedSource(json.dumps(document).encode())
    verifier = make_verifier(source, ScriptedSource(DOWN))
    before, _ = verifier.status()
    assert (before.key_ids, before.age_seconds) == ((), None)
    assert before.last_error == "not loaded yet"
    await verifier.start()
    clock.advance(5)
    good, bad = verifier.status()
    assert (good.issuer, good.key_ids, good.age_seconds) == (ISSUER, ("key-1", "key-3"), 5)
    assert good.skipped == {KeyFault.SYMMETRIC: 1}
    assert good.remarks == {KeyRemark.UNUSUAL_EXPONENT: 1}
    assert good.last_error is None
    assert (bad.issuer, bad.key_ids, bad.age_seconds) == (OTHER_ISSUER, (), None)
    assert bad.last_error == "timeout"
    assert not verifier.ready


async def test_an_issuer_without_a_usable_key_is_not_ready(make_verifier: MakeVerifier) -> None:
    verifier = make_verifier(InlineKeys(b'{"keys": [{"kty": "oct", "kid": "key-1", "k": "AAAA"}]}'))
    await verifier.start()
    assert not verifier.ready
    assert await refused(verifier, KEY.token()) is TokenFault.WEAK_KEY


def test_impossible_settings_are_all_named() -> None:
    with pytest.raises(ConfigurationError) as nothing:
        Verifier([])
    assert nothing.value.problems == ("issuers: name at least one",)
    issuer, other = Issuer(rules(), InlineKeys(KEYS)), Issuer(rules("https://b"), InlineKeys(KEYS))
    with pytest.raises(ConfigurationError) as twice:
        Verifier([issuer, other, issuer])
    assert twice.value.problems == ("issuers[2].issuer: the same as issuers[0].issuer",)
