"""The keys of one issuer, immutable, chosen by name and algorithm (RFC 7517 section 5).

1. The document is strict JSON of bounded size with a list of one to `max_keys` members.
2. A member that cannot be used is left out and counted; the others still work (SEC-29).
3. Two keys of one type under one `kid`: an ambiguous name identifies nothing, both are left out,
   even when one of the two was left out already because its private half stood there (SEC-30).
4. A token that names a key gets that key, if it is for the token's algorithm; one that names none
   passes only if exactly one key fits its algorithm.

Where the document comes from, and how fresh it is, is for others to care.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.jwks.errors import KeySourceUnavailable, TokenFault, TokenRefused
from gatepass.jwks.faults import UNSAFE_FAULTS, KeyFault, KeyRejected, KeyRemark
from gatepass.jwks.keys import Key, key_from_jwk
from gatepass.jwks.limits import DEFAULT_LIMITS, Limits

TOO_LARGE: Final = "key set too large"
NOT_JSON: Final = "key set is not strict JSON"
NO_KEYS: Final = "key set holds no list of keys"
TOO_MANY_KEYS: Final = "key set holds too many keys"


@dataclass(frozen=True, slots=True, eq=False)
class KeySet:
    """What an issuer published at one time; two of them are the same only if they are one object.

    `skipped` and `remarks` count what an operator should look at. It may hold no usable key.
    """

    keys: tuple[Key, ...] = field(repr=False)
    skipped: Mapping[KeyFault, int]
    remarks: Mapping[KeyRemark, int]
    _choices: Mapping[tuple[str | None, str], Key] = field(repr=False)
    _names: frozenset[str | None] = field(repr=False)
    _unsafe_names: frozenset[str] = field(repr=False)

    def select(self, kid: str | None, algorithm: str) -> Key:
        """Return the one key that a token with this header means.

        Raises:
            TokenRefused: WEAK_KEY if the name stands for a key that is not safe to use, else
                UNKNOWN_KEY.

        """
        key = self._choices.get((kid, algorithm))
        if key is not None:
            return key
        unsafe = kid in self._unsafe_names
        raise TokenRefused(TokenFault.WEAK_KEY if unsafe else TokenFault.UNKNOWN_KEY)

    def names(self, kid: str | None) -> bool:
        """Say whether this name stands in the set, usable or not; a newer set may know others.

        A token that names no key asks for nothing that a newer set would be fetched for.
        """
        return kid is None or kid in self._names


def parse_key_set(document: bytes, limits: Limits = DEFAULT_LIMITS) -> KeySet:
    """Return the usable keys of a JWK Set document.

    Raises:
        KeySourceUnavailable: the document as a whole is not a key set that we read.

    """
    if len(document) > limits.max_key_set_bytes:
        raise KeySourceUnavailable(TOO_LARGE)
    try:
        members = parse_json_object(document, limits.max_json_depth)
    except NotStrictJson:
        raise KeySourceUnavailable(NOT_JSON) from None
    jwks = members.get("keys")
    if not isinstance(jwks, list) or not jwks:
        raise KeySourceUnavailable(NO_KEYS)
    if len(jwks) > limits.max_keys:
        raise KeySourceUnavailable(TOO_MANY_KEYS)
    return _judge(jwks, limits)


def _judge(jwks: Iterable[object], limits: Limits) -> KeySet:
    keys: list[Key] = []
    skipped: Counter[KeyFault] = Counter()
    holders: Counter[tuple[object, object]] = Counter()
    unsafe_names: set[str] = set()
    names: set[str | None] = set()
    for jwk in jwks:
        kid, key_type = _label(jwk)
        names.add(kid)
        try:
            key = key_from_jwk(jwk, limits)
        except KeyRejected as rejected:
            skipped[rejected.fault] += 1
            if kid is not None and rejected.fault in UNSAFE_FAULTS:
                unsafe_names.add(kid)
            if rejected.fault is not KeyFault.PRIVATE:
                continue
        else:
            keys.append(key)
        holders[kid, key_type] += 1
    usable = tuple(key for key in keys if key.kid is None or holders[key.kid, key.key_type] == 1)
    if len(usable) < len(keys):
        skipped[KeyFault.AMBIGUOUS_KID] = len(keys) - len(usable)
    return KeySet(
        keys=usable,
        skipped=MappingProxyType(dict(skipped)),
        remarks=MappingProxyType(dict(Counter(r for key in usable for r in key.remarks))),
        _choices=_choices(usable),
        _names=frozenset(names),
        _unsafe_names=frozenset(unsafe_names),
    )


def _label(jwk: object) -> tuple[str | None, str | None]:
    """Return what a member calls itself, whether or not it can be used."""
    if not isinstance(jwk, dict):
        return None, None
    kid, key_type = jwk.get("kid"), jwk.get("kty")
    return (
        kid if isinstance(kid, str) else None,
        key_type if isinstance(key_type, str) else None,
    )


def _choices(keys: Iterable[Key]) -> Mapping[tuple[str | None, str], Key]:
    """Return the key for every header that identifies one: by name, or by fitting alone."""
    choices: dict[tuple[str | None, str], Key] = {}
    fitting: Counter[str] = Counter()
    for key in keys:
        for algorithm in key.algorithms:
            # One name may stand for keys of two types; their algorithms never meet.
            choices[key.kid, algorithm] = key
            choices[None, algorithm] = key
            fitting[algorithm] += 1
    for algorithm, count in fitting.items():
        if count > 1:
            del choices[None, algorithm]
    return choices
