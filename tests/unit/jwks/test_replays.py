"""A proof lets one request pass, however clocks and settings change."""

import pytest

from gatepass.jwks.errors import TokenFault, TokenRefused, TooManyProofs
from gatepass.jwks.replays import SHARES, Proof, UsedProofs
from support.clock import ManualClock

ANN = ("https://idp.example", "ann")
BOB = ("https://idp.example", "bob")
NOW = 1_800_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def memory(clock: ManualClock, max_proofs: int = 80) -> UsedProofs:
    return UsedProofs(clock, max_proofs=max_proofs, max_age_seconds=60, leeway_seconds=10)


def proof(name: int, issued_at: float = NOW, sender: tuple[str, str] = ANN) -> Proof:
    return Proof(name.to_bytes(32, "big"), issued_at, sender)


def refused(used: UsedProofs, again: Proof, request_id: str | None = None) -> TokenFault:
    with pytest.raises(TokenRefused) as replayed:
        used.add(again, request_id)
    return replayed.value.fault


def test_sec_66_a_proof_is_good_once_until_no_clock_would_accept_it(clock: ManualClock) -> None:
    used = memory(clock)
    used.add(proof(1))
    assert refused(used, proof(1)) is TokenFault.PROOF_REPLAYED
    clock.advance(70)
    used.add(proof(2, clock.wall()))
    assert refused(used, proof(1)) is TokenFault.PROOF_REPLAYED
    assert len(used) == 2
    clock.advance(0.5)
    used.add(proof(3, clock.wall()))
    assert len(used) == 2  # the first has gone


def test_sec_66_a_wall_clock_that_is_set_back_makes_no_used_proof_good_again(
    clock: ManualClock,
) -> None:
    used = memory(clock)
    used.add(proof(1))
    clock.jump_wall(-3600)
    clock.advance(3600)
    used.add(proof(2, clock.wall()))
    assert refused(used, proof(1)) is TokenFault.PROOF_REPLAYED


def test_a_repeated_question_about_one_request_is_no_replay(clock: ManualClock) -> None:
    used = memory(clock)
    used.add(proof(1), "request-1")
    used.add(proof(1), "request-1")
    assert refused(used, proof(1), "request-2") is TokenFault.PROOF_REPLAYED
    assert refused(used, proof(1)) is TokenFault.PROOF_REPLAYED
    used.add(proof(2))
    assert refused(used, proof(2)) is TokenFault.PROOF_REPLAYED


def test_one_client_cannot_take_the_room_of_all(clock: ManualClock) -> None:
    used = memory(clock, max_proofs=80)
    for number in range(80 // SHARES):
        used.add(proof(number))
    with pytest.raises(TooManyProofs) as full:
        used.add(proof(1000))
    assert full.value.code == "overloaded"
    used.add(proof(1001, sender=BOB))
    clock.advance(71)
    used.add(proof(1002, clock.wall()))
    assert len(used) == 1


def test_nothing_is_forgotten_to_make_room(clock: ManualClock) -> None:
    used = memory(clock, max_proofs=3)
    for number in range(3):
        used.add(proof(number, sender=("i", str(number))))
    with pytest.raises(TooManyProofs):
        used.add(proof(9, sender=BOB))
    for number in range(3):
        assert refused(used, proof(number)) is TokenFault.PROOF_REPLAYED
    assert len(used) == 3


def test_longer_times_know_what_they_cannot_know(clock: ManualClock) -> None:
    used = memory(clock)
    assert used.since == NOW
    clock.advance(1000)
    used.widen(max_proofs=1, max_age_seconds=30, leeway_seconds=0)
    assert used.since == NOW
    used.add(proof(1, clock.wall()))
    with pytest.raises(TooManyProofs):
        used.add(proof(2, clock.wall(), BOB))
    clock.advance(65)
    with pytest.raises(TooManyProofs):  # shorter times do not count for what is there
        used.add(proof(2, clock.wall(), BOB))
    used.widen(max_proofs=100, max_age_seconds=300, leeway_seconds=20)
    assert used.since == clock.wall() - 60
    used.add(proof(3, clock.wall(), BOB))
    clock.advance(315)
    assert refused(used, proof(3, sender=BOB)) is TokenFault.PROOF_REPLAYED
    used.add(proof(4, clock.wall(), BOB))
    assert len(used) == 2
    clock.advance(6)
    used.add(proof(5, clock.wall(), BOB))
    assert len(used) == 2


def test_a_proof_shows_nothing() -> None:
    assert repr(proof(1)) == "<Proof>"
