"""One pass over the headers: the token, the chosen team, and what a client may not send.

Rules: a header list that was cut is refused (431); a method override by header is refused (SEC-38),
so is one that names a model, and a WebSocket, because what goes over it cannot be judged; headers
that only the gateway may set are refused where the gateway cannot remove them, and so is a
`Connection` header that names one (SEC-44, 45); exactly one bearer token in exactly one of the
token headers, or none (SEC-43), and, where tokens may be bound to a key, one proof of it at most
(RFC 9449 section 4.3). Values are bytes; what decides must be printable ASCII. What the headers say
about the body counts too: an upstream that believes them reads other members out of the same bytes,
as a form or in another character set (SEC-58).
"""

import re
from collections.abc import Sequence
from enum import IntEnum

import msgspec

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.headers import fold_name
from gatepass.plugin.reasons import Reason
from gatepass.plugin.request import Request

_MAX_LEARNED_NAMES = 4096
_MAX_LEARNED_BYTES = 64
"""Longer names are looked up anew each time, so that strangers cannot fill the memory with them."""

_MODEL_HEADERS = (b"x-litellm-model",)
"""Headers from which a proxy upstream takes another model than that of the body."""

_PROOF_HEADER = b"dpop"
_METHOD_OVERRIDES = (b"x-http-method-override", b"x-http-method", b"x-method-override")
_JSON_TYPE = re.compile(
    rb"[ \t]*application/(?:[a-z0-9.-]+\+)?json[ \t]*"
    rb"(?:;[ \t]*charset=(?:utf-8|\"utf-8\")[ \t]*)?;?[ \t]*",
    re.IGNORECASE,
)


class _Kind(IntEnum):
    """Why a header matters; most do not, and must be false."""

    OTHER = 0
    TOKEN = 1
    IDENTITY = 2
    CONNECTION = 3
    OVERRIDE = 4
    ENCODING = 5
    TEAM = 6
    MEDIA_TYPE = 7
    UPGRADE = 8
    MODEL = 9
    PROTOCOL = 10
    PROOF = 11
    UNKNOWN = 12


# Looking up a member of an enum costs more than the rest of a comparison.
_TOKEN = _Kind.TOKEN
_IDENTITY = _Kind.IDENTITY
_CONNECTION = _Kind.CONNECTION
_OVERRIDE = _Kind.OVERRIDE
_ENCODING = _Kind.ENCODING
_MEDIA_TYPE = _Kind.MEDIA_TYPE
_TEAM = _Kind.TEAM
_UPGRADE = _Kind.UPGRADE
_MODEL = _Kind.MODEL
_PROTOCOL = _Kind.PROTOCOL
_PROOF = _Kind.PROOF
_UNKNOWN = _Kind.UNKNOWN

_REFUSED = {
    _OVERRIDE: Reason.BAD_METHOD,
    _UPGRADE: Reason.UPGRADE_DENIED,
    _MODEL: Reason.PARAMETER_DENIED,
}
"""What is refused whatever its value."""


class HeaderFacts(msgspec.Struct, frozen=True, gc=False):
    """What the headers say.

    `token` is the bearer token's bytes, or None. `encoded` is true when the body is compressed,
    `foreign` when it is said to be something else than JSON in UTF-8. `drop_connection` is true
    when the `Connection` header names one of ours and must go too. `by_dpop` is true when the token
    came by the scheme `DPoP`; `proof` is what came in the header `DPoP`.
    """

    token: bytes | None
    team: str | None
    encoded: bool
    foreign: bool
    drop_connection: bool
    by_dpop: bool = False
    proof: bytes | None = None


class HeaderInspector:
    """Knows the header names that matter in one deployment and reads them in one pass."""

    __slots__ = ("_kinds", "_known", "_proofs", "credential_names", "identity_names")

    def __init__(
        self,
        *,
        token_headers: tuple[bytes, ...],
        identity_headers: frozenset[bytes],
        team_header: bytes | None,
        proofs: bool = False,
    ) -> None:
        self.identity_names = frozenset(fold_name(name) for name in identity_headers)
        self.credential_names = frozenset(fold_name(name) for name in token_headers)
        self._kinds = {fold_name(name): _Kind.OVERRIDE for name in _METHOD_OVERRIDES}
        self._kinds |= dict.fromkeys(_MODEL_HEADERS, _Kind.MODEL)
        self._kinds[b"sec-websocket-key"] = _Kind.UPGRADE
        self._kinds[b"upgrade"] = _Kind.PROTOCOL
        self._kinds[b"connection"] = _Kind.CONNECTION
        self._kinds[b"content-encoding"] = _Kind.ENCODING
        self._kinds[b"content-type"] = _Kind.MEDIA_TYPE
        if team_header is not None:
            self._kinds[fold_name(team_header)] = _Kind.TEAM
        self._kinds |= dict.fromkeys(self.identity_names, _Kind.IDENTITY)
        self._kinds |= dict.fromkeys(self.credential_names, _Kind.TOKEN)
        if proofs:
            self._kinds[_PROOF_HEADER] = _Kind.PROOF
            self.credential_names |= {_PROOF_HEADER}
        self._proofs = proofs
        self._known: dict[bytes, _Kind] = {}

    @property
    def names(self) -> frozenset[bytes]:
        """Return the folded names of all headers that matter."""
        return frozenset(self._kinds)

    def inspect(self, request: Request) -> HeaderFacts:
        """Read the headers of a request.

        Raises:
            RequestRefused: the headers alone are reason enough.

        """
        if not request.headers_complete:
            raise RequestRefused(Reason.HEADERS_CUT)
        look_up = self._known.get
        found = [
            (self._learn(name) if kind is _UNKNOWN else kind, value)
            for name, value in request.headers
            if (kind := look_up(name, _UNKNOWN))
        ]
        return self._weigh(found, removable=request.can_remove_headers)

    def _weigh(self, found: Sequence[tuple[_Kind, bytes]], *, removable: bool) -> HeaderFacts:
        credential: bytes | None = None
        team: str | None = None
        proof: bytes | None = None
        encoded = foreign = drop_connection = False
        for kind, value in found:
            if kind is _TOKEN:
                credential = _once(value, credential, Reason.TWO_TOKENS)
            elif kind is _PROOF:
                proof = _once(value, proof, Reason.BAD_DPOP_PROOF)
            elif kind is _TEAM:
                team = _chosen_team(value, already=team)
            elif kind is _MEDIA_TYPE:
                foreign |= value != b"application/json" and not _JSON_TYPE.fullmatch(value)
            elif kind is _ENCODING:
                encoded |= value.strip().lower() not in (b"", b"identity")
            elif kind in _REFUSED or (kind is _PROTOCOL and b"websocket" in value.lower()):
                raise RequestRefused(_REFUSED.get(kind, Reason.UPGRADE_DENIED))
            elif kind is _IDENTITY or (kind is _CONNECTION and self._names_ours(value)):
                if not removable:
                    raise RequestRefused(Reason.IDENTITY_HEADER_SENT)
                drop_connection |= kind is _CONNECTION
        token, by_dpop = self._read_credential(credential)
        return HeaderFacts(token, team, encoded, foreign, drop_connection, by_dpop, proof)

    def _read_credential(self, credential: bytes | None) -> tuple[bytes | None, bool]:
        """Return the token, and whether it came by DPoP."""
        if credential is None:
            return None, False
        if credential.startswith(b"Bearer ") or not self._proofs:
            return _token(credential, b"bearer "), False
        token = _token(credential, b"dpop ")
        if token is not None:
            return token, True
        return _token(credential, b"bearer "), False

    def _learn(self, name: bytes) -> _Kind:
        kind = self._kinds.get(fold_name(name), _Kind.OTHER)
        if len(name) <= _MAX_LEARNED_BYTES and len(self._known) < _MAX_LEARNED_NAMES:
            self._known[name] = kind
        return kind

    def _names_ours(self, connection: bytes) -> bool:
        options = {fold_name(option.strip()) for option in connection.split(b",")}
        return not options.isdisjoint(self.identity_names)


def _token(value: bytes, scheme: bytes) -> bytes | None:
    """Return the token of `Bearer TOKEN` (RFC 6750 section 2.1), or None for another scheme.

    Only the scheme's letter case is free. What is not one run of token characters is left to the
    strict parser, except for blanks and commas: they mean that there is more than one value.
    """
    if value[: len(scheme)].lower() != scheme:
        return None
    token = value[len(scheme) :]
    if b"," in token or b" " in token:
        raise RequestRefused(Reason.TWO_TOKENS)
    return token or None


def _once(value: bytes, already: bytes | None, refused: Reason) -> bytes:
    if already is not None:
        raise RequestRefused(refused)
    return value


def _chosen_team(value: bytes, *, already: str | None) -> str:
    if already is not None or not value.isascii() or not value.decode("ascii").isprintable():
        raise RequestRefused(Reason.BAD_HEADER_VALUE)
    team = value.decode("ascii")
    if not team or team != team.strip():
        raise RequestRefused(Reason.BAD_HEADER_VALUE)
    return team
