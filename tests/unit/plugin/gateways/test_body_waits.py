"""Who may wait for a body: a few of one caller, more of all together."""

from gatepass.plugin.gateways.body_waits import BodyWaits, Place

ANN, BEN = ("https://idp.example", "ann"), ("https://idp.example", "ben")


def test_sec_41_one_caller_cannot_hold_the_places_of_others() -> None:
    waits = BodyWaits(in_all=3, of_one=2)
    assert [waits.enter(ANN) for _ in range(3)] == [True, True, False]
    assert waits.enter(BEN)
    assert not waits.enter(BEN)
    waits.leave(ANN)
    assert waits.enter(BEN)


def test_whoever_has_left_is_forgotten() -> None:
    waits = BodyWaits()
    for _ in range(3):
        assert waits.enter(ANN)
        waits.leave(ANN)
    assert not waits._waiting


def test_a_place_is_left_once_by_whoever_has_it() -> None:
    waits = BodyWaits()
    assert waits.enter(ANN)
    first = Place(waits, ANN)
    second = first.hand_on()
    assert second is not None
    first.leave()
    assert waits._waiting
    assert first.hand_on() is None
    for _ in range(2):
        second.leave()
        assert not waits._waiting
