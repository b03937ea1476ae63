"""Numbers of profiles: the same everywhere, never another profile's, and bounded."""

import logging
from zlib import crc32

import pytest

from gatepass.plugin.gateways import profile_numbers
from gatepass.plugin.gateways.profile_numbers import (
    NO_PROFILE,
    REFUSED,
    ProfileNumbers,
    number_of,
)


def of_kind(name: str) -> int:
    return number_of(name, "test")


def numbers(*names: str) -> ProfileNumbers:
    return ProfileNumbers(lambda: names, of_kind)


@pytest.mark.parametrize(
    ("name", "number"), [("default", 356_842_186), ("", 558_923_462), ("\u00e9", 452_538_636)]
)
def test_a_number_is_the_same_in_every_process_and_every_release(name: str, number: int) -> None:
    assert of_kind(name) == number


def test_a_number_has_31_bits_and_is_never_the_refused_one() -> None:
    found = {of_kind(f"p{number}") for number in range(5000)}
    assert len(found) == 5000
    assert min(found) > REFUSED == 0
    assert max(found) < 2**31


def test_numbers_of_two_kinds_differ() -> None:
    assert number_of("default", "one") != number_of("default", "two")


def test_profiles_that_exist_are_known_from_the_start() -> None:
    known = numbers("default", "team-a")
    for name in ("default", "team-a"):
        assert known.is_known(name)
        assert known.exists(name)
        assert known.profile(of_kind(name)) == name
        assert known.number(name) == of_kind(name)
    assert not known.is_known("other")
    assert not known.exists("other")
    assert known.profile(of_kind("other")) is None


def test_a_name_that_does_not_exist_has_a_number_once_it_was_asked_for() -> None:
    known = numbers("default")
    assert known.number("later") == of_kind("later")
    assert known.is_known("later")
    assert not known.exists("later")
    assert known.profile(of_kind("later")) == "later"


def test_the_refused_number_is_no_profiles() -> None:
    assert numbers("default").profile(REFUSED) == NO_PROFILE


def test_a_reload_is_noticed_by_its_numbers() -> None:
    profiles = ["default"]
    known = ProfileNumbers(lambda: profiles, of_kind)
    profiles.append("later")
    assert known.profile(of_kind("later")) == "later"
    assert known.exists("later")


def test_sec_49_two_names_with_one_number_are_both_refused(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever knew them in another order would give one the other's."""
    profiles = ["plumless"]
    assert crc32(b"plumless") == crc32(b"buckeroo")
    known = ProfileNumbers(lambda: profiles, lambda name: crc32(name.encode()))
    assert known.number("plumless") == crc32(b"plumless")
    with caplog.at_level(logging.ERROR):
        assert known.number("buckeroo") == REFUSED
        assert known.number("plumless") == REFUSED
        assert known.profile(crc32(b"buckeroo")) == NO_PROFILE
    (record,) = caplog.records
    assert record.message == "two profiles have one number: rename one"
    assert vars(record)["profile"] == "buckeroo"


def test_a_name_whose_number_is_the_refused_one_is_refused() -> None:
    known = ProfileNumbers(lambda: ["default"], lambda _name: REFUSED)
    assert known.number("default") == REFUSED
    assert known.profile(REFUSED) == NO_PROFILE


def test_no_number_of_names_fills_the_memory() -> None:
    known = numbers("default")
    for number in range(3 * profile_numbers._MAX_KNOWN):
        known.number(f"p{number}")
        assert len(known._names) <= profile_numbers._MAX_KNOWN
    assert known.profile(of_kind("default")) == "default"
    assert known.profile(REFUSED) == NO_PROFILE


def test_profiles_beyond_the_bound_are_still_found_when_they_are_asked_for() -> None:
    names = [f"p{number}" for number in range(profile_numbers._MAX_KNOWN + 500)]
    known = numbers(*names)
    for name in (names[0], names[-1]):
        assert known.number(name) == of_kind(name)
        assert known.profile(of_kind(name)) == name
