"""Which proofs were used, so that none is used twice (RFC 9449 section 11.1).

1. A proof is remembered until no clock would accept it any more: not the monotonic one, counted
   from its use, and not the wall clock, which may be set back (SEC-66).
2. The request that used it may be asked about again: gateways repeat questions.
3. Nothing is forgotten early. When there is no room, proofs are refused, and nobody may take more
   than a share of the room, so that one client's flood is its own trouble.

The memory is this process's. Another process has seen other proofs.
"""

from collections import Counter
from typing import Final

import msgspec

from gatepass.jwks.clock import Clock
from gatepass.jwks.errors import TokenFault, TokenRefused, TooManyProofs

SHARES: Final = 8
"""Into how many parts the room is divided, of which one sender may take one."""


class Proof(msgspec.Struct, frozen=True, gc=False):
    """A proof that is good, once; nothing of it shows in its repr.

    `name` stands for its key and its `jti`, `issued_at` is in seconds since the epoch, `sender` is
    the issuer and the subject of the token.
    """

    name: bytes
    issued_at: float
    sender: tuple[str, str]

    def __repr__(self) -> str:
        return "<Proof>"


class _Use(msgspec.Struct, frozen=True, gc=False):
    ends_wall: float
    ends_monotonic: float
    sender: tuple[str, str]
    request_id: str | None


class UsedProofs:
    """The proofs that were used lately; times are in seconds.

    Proofs made before `since`, on the wall clock, may have been used without being remembered.
    """

    __slots__ = (
        "_clock",
        "_leeway_seconds",
        "_max_age_seconds",
        "_max_proofs",
        "_of",
        "_uses",
        "since",
    )

    def __init__(
        self, clock: Clock, *, max_proofs: int, max_age_seconds: float, leeway_seconds: float
    ) -> None:
        self.since = clock.wall()
        self._clock = clock
        self._max_proofs = max_proofs
        self._max_age_seconds = max_age_seconds
        self._leeway_seconds = leeway_seconds
        self._uses: dict[bytes, _Use] = {}
        self._of: Counter[tuple[str, str]] = Counter()

    def __len__(self) -> int:
        return len(self._uses)

    def widen(self, *, max_proofs: int, max_age_seconds: float, leeway_seconds: float) -> None:
        """Go by new bounds; times get longer and never shorter, as some still go by the old."""
        if max_age_seconds > self._max_age_seconds:
            # what was too old until now may be forgotten already
            self.since = max(self.since, self._clock.wall() - self._max_age_seconds)
        self._max_proofs = max_proofs
        self._max_age_seconds = max(self._max_age_seconds, max_age_seconds)
        self._leeway_seconds = max(self._leeway_seconds, leeway_seconds)

    def add(self, proof: Proof, request_id: str | None = None) -> None:
        """Note that a proof is used now; `request_id` is the gateway's own name of the request.

        Raises:
            TokenRefused: PROOF_REPLAYED, by another request.
            TooManyProofs: there is no room to remember it.

        """
        used = self._uses.get(proof.name)
        if used is not None:
            if request_id is not None and request_id == used.request_id:
                return
            raise TokenRefused(TokenFault.PROOF_REPLAYED)
        wall, now = self._clock.wall(), self._clock.monotonic()
        self._forget_ended(wall, now)
        share = max(1, self._max_proofs // SHARES)
        if len(self._uses) >= self._max_proofs or self._of[proof.sender] >= share:
            raise TooManyProofs
        self._uses[proof.name] = _Use(
            proof.issued_at + self._max_age_seconds,
            now + self._max_age_seconds + self._leeway_seconds,
            proof.sender,
            request_id,
        )
        self._of[proof.sender] += 1

    def _forget_ended(self, wall: float, now: float) -> None:
        uses = self._uses
        while uses:
            name = next(iter(uses))
            used = uses[name]
            if now <= used.ends_monotonic or wall <= used.ends_wall:
                return
            del uses[name]
            self._of[used.sender] -= 1
            if not self._of[used.sender]:
                del self._of[used.sender]
