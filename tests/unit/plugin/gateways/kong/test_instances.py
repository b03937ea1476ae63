"""Instances: ids that mean the same everywhere, and configurations that are none."""

import json
import logging

import pytest

from gatepass.plugin.gateways import profile_numbers
from gatepass.plugin.gateways.kong.instances import Instances, instance_id
from gatepass.plugin.gateways.profile_numbers import NO_PROFILE, REFUSED


def config(**members: object) -> bytes:
    """Return a configuration as Kong writes it, with what it adds to every one."""
    added = {
        "__plugin_id": "0c7ff2c4-7d4c-4f5d-8f0b-4f2d5a1f0001",
        "__seq__": 3,
        "__key__": "plugins:gatepass:::::",
        "__ws_id": "0c7ff2c4-7d4c-4f5d-8f0b-4f2d5a1f0002",
        "route_id": "0c7ff2c4-7d4c-4f5d-8f0b-4f2d5a1f0003",
    }
    return json.dumps(added | members).encode()


def existing(*names: str) -> Instances:
    return Instances(lambda: names)


@pytest.mark.parametrize(
    ("profile", "number"),
    [
        ("default", 1_214_441_736),
        ("team-a", 525_238_846),
        ("a", 2_020_298_502),
        ("v1.2_x", 1_710_944_764),
    ],
)
def test_an_id_is_the_same_in_every_process_and_every_release(profile: str, number: int) -> None:
    """Kong keeps ids over our restarts: another hash would be another meaning."""
    assert instance_id(profile) == number


def test_an_id_has_31_bits_and_is_never_the_refused_one() -> None:
    ids = {instance_id(f"p{number}") for number in range(5000)}
    assert len(ids) == 5000
    assert min(ids) > REFUSED == 0
    assert max(ids) < 2**31


def test_a_configuration_that_is_started_twice_has_one_id() -> None:
    instances = existing("default")
    first = instances.start(config(profile="default"))
    assert first == instance_id("default")
    assert instances.start(config(profile="default", __seq__=4)) == first
    assert instances.start(b'{"profile":"default"}') == first
    assert instances.profile(first) == "default"


def test_an_id_of_an_earlier_process_still_means_what_it_meant() -> None:
    """Kong's own plugin servers count their instances, and then hit another one's."""
    assert existing("default", "team-a").profile(instance_id("team-a")) == "team-a"


@pytest.mark.parametrize("stale", [1, -1, -5, 2**31 - 1, 2**31, 2**63, instance_id("nobody")])
def test_an_id_that_nobody_was_given_is_unknown(stale: int) -> None:
    assert existing("default").profile(stale) is None


@pytest.mark.parametrize(
    "refused",
    [
        b"",
        b"{",
        b"null",
        b"7",
        b'"default"',
        b"[]",
        b'["default"]',
        b"{}",
        b'{"profile":"\xff"}',
        b'{"profile":"default"}{"profile":"default"}',
        b'{"profile":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"profile":' + b"[" * 100_000,
        config(),
        config(profile=None),
        config(profile=7),
        config(profile=True),
        config(profile=["default"]),
        config(profile={"name": "default"}),
        config(profile=""),
        config(profile=" default"),
        config(profile="default "),
        config(profile="default\n"),
        config(profile="a/b"),
        config(profile=".."),
        config(profile="_a"),
        config(profile="x" * 65),
        config(profile="d\u00e9fault"),
        config(profile="\udc80"),
        config(profile="{vault://env/profile}"),
        config(profile="$(profile)"),
        config(profile="default", **{"$refs": {"profile": "{vault://env/profile}"}}),
        config(profile="default", **{"$refs": "{vault://env/profile}"}),
        config(profile="default", Profile="other"),
        config(profile="default", profiles=["other"]),
        config(profile="default", issuer="https://evil.example"),
        config(Profile="default"),
    ],
)
def test_sec_39_a_configuration_that_is_not_one_name_is_refused(
    refused: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    instances = existing("default")
    with caplog.at_level(logging.ERROR):
        assert instances.start(refused) == REFUSED
    assert [record.message for record in caplog.records] == [
        "Kong's configuration of the plugin is not one `profile`; its requests fail"
    ]
    assert "vault" not in caplog.text
    assert instances.profile(REFUSED) == NO_PROFILE


@pytest.mark.parametrize("refused", [b'{"profile":"team-a","profile":"default"}'])
def test_sec_08_a_configuration_that_says_two_things_is_refused(refused: bytes) -> None:
    assert existing("default", "team-a").start(refused) == REFUSED


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_sec_08_a_configuration_in_another_character_set_is_refused(encoding: str) -> None:
    assert existing("default").start('{"profile":"default"}'.encode(encoding)) == REFUSED


@pytest.mark.parametrize(
    "member",
    ["__plugin_id", "__anything_new", "service_id", "route_id", "consumer_id", "consumer_group_id"],
)
def test_what_kong_adds_to_a_configuration_does_not_matter(member: str) -> None:
    written = json.dumps({"profile": "default", member: "x"}).encode()
    assert existing("default").start(written) == instance_id("default")


def test_references_that_were_not_used_do_not_matter() -> None:
    assert existing("default").start(config(profile="default", **{"$refs": {}})) > 0


def test_a_profile_that_does_not_exist_is_said_once_and_works_when_it_comes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    profiles = ["default"]
    instances = Instances(lambda: profiles)
    with caplog.at_level(logging.ERROR):
        numbers = {instances.start(config(profile="later", __seq__=n)) for n in range(5)}
        (number,) = numbers
        assert [instances.profile(number) for _ in range(5)] == ["later"] * 5
    (record,) = caplog.records
    assert record.message == "Kong names a profile that does not exist"
    assert vars(record)["profile"] == "later"
    profiles.append("later")
    assert number == instance_id("later")
    assert instances.profile(number) == "later"


def test_a_profile_of_a_reload_is_known_by_its_id_at_once() -> None:
    profiles = ["default"]
    instances = Instances(lambda: profiles)
    assert instances.profile(instance_id("later")) is None
    profiles.append("later")
    assert instances.profile(instance_id("later")) == "later"


def test_a_profile_that_a_reload_brought_is_not_called_missing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    profiles = ["default"]
    instances = Instances(lambda: profiles)
    profiles.append("later")
    with caplog.at_level(logging.ERROR):
        assert instances.start(config(profile="later")) == instance_id("later")
        assert instances.start(config(profile="default")) == instance_id("default")
    assert not caplog.records


def test_sec_49_a_name_whose_id_is_anothers_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    instances = Instances(lambda: ["default"], id_of=lambda _name: 42)
    assert instances.start(config(profile="default")) == 42
    with caplog.at_level(logging.ERROR):
        assert instances.start(config(profile="other")) == REFUSED
    assert instances.profile(42) == NO_PROFILE
    assert instances.start(config(profile="default")) == REFUSED
    assert [record.message for record in caplog.records][-1] == (
        "two profiles have one number: rename one"
    )


def test_two_profiles_with_one_id_are_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        instances = Instances(lambda: ["one", "two"], id_of=lambda _name: 42)
    assert [record.message for record in caplog.records] == [
        "two profiles have one number: rename one"
    ]
    assert instances.start(config(profile="two")) == REFUSED


@pytest.mark.parametrize("names", [("one", "two"), ("two", "one")])
def test_sec_49_of_two_names_with_one_id_neither_has_it(names: tuple[str, str]) -> None:
    """A process that knows them in another order would hand out one's id for the other."""
    instances = Instances(lambda: names, id_of=lambda _name: 42)
    assert instances.start(config(profile="one")) == REFUSED
    assert instances.start(config(profile="two")) == REFUSED
    assert instances.profile(42) in {None, NO_PROFILE}


def test_no_number_of_configurations_fills_the_memory(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    instances = existing("default")
    for number in range(3 * profile_numbers._MAX_KNOWN):
        instances.start(b'{"profile":"p%d"}' % number)
        assert len(instances._names) <= profile_numbers._MAX_KNOWN
    assert instances.profile(instance_id("default")) == "default"
    assert instances.profile(REFUSED) == NO_PROFILE


def test_a_collision_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    instances = Instances(lambda: ["one", "two"], id_of=lambda _name: 42)
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        for _ in range(5):
            assert instances.profile(7) is None
    assert not caplog.records
