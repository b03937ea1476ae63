"""Configuration tokens: numbers that mean the same everywhere, and configurations that are none."""

import json
import logging
from collections.abc import Collection, Sequence

import pytest

from gatepass.plugin.gateways.apisix import tokens as module
from gatepass.plugin.gateways.apisix.flatbuffers import Entry
from gatepass.plugin.gateways.apisix.tokens import ConfTokens, conf_token
from gatepass.plugin.gateways.kong.instances import instance_id
from gatepass.plugin.gateways.profile_numbers import NO_PROFILE

NOT_ONE_PROFILE = (
    "APISIX's configuration is not one plugin gatepass with one `profile`; "
    "the requests of its route fail"
)
NO_SUCH_PROFILE = "APISIX names a profile that does not exist; the requests of its route fail"


def existing(*names: str) -> ConfTokens:
    return ConfTokens(lambda: names)


def conf(profile: object = "default", **members: object) -> list[Entry]:
    return [(b"gatepass", json.dumps({"profile": profile, **members}).encode())]


def texts(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("profile", "token"),
    [
        ("default", 1_128_856_348),
        ("team-a", 1_581_305_079),
        ("a", 656_138_404),
        ("v1.2_x", 1_269_964_526),
    ],
)
def test_a_token_is_the_same_in_every_process_and_every_release(profile: str, token: int) -> None:
    """APISIX keeps tokens for an hour, over our restarts: another hash would be another meaning."""
    assert conf_token(profile) == token


def test_a_token_has_31_bits_and_is_never_0() -> None:
    tokens = {conf_token(f"team-{number}") for number in range(5000)}
    assert len(tokens) == 5000
    assert min(tokens) > 0
    assert max(tokens) < 2**31


def test_a_token_is_no_number_of_another_gateway() -> None:
    assert conf_token("default") != instance_id("default")


def test_a_configuration_has_one_token() -> None:
    tokens = existing("default", "team-a")
    assert tokens.prepare(conf()) == tokens.prepare(conf()) == conf_token("default")
    assert tokens.prepare([(b"gatepass", b' {"profile" : "team-a"} ')]) == conf_token("team-a")
    assert tokens.profile(conf_token("team-a")) == "team-a"


def test_sec_41_a_token_of_an_earlier_process_still_means_what_it_meant() -> None:
    """The official runner counts its tokens, and after a restart hits another route's."""
    assert existing("default", "team-a").profile(conf_token("team-a")) == "team-a"


@pytest.mark.parametrize("stale", [1, 2, 4711, 2**31 - 1, 2**31, 2**32 - 1, conf_token("nobody")])
def test_a_token_that_nobody_was_given_is_unknown(stale: int) -> None:
    assert existing("default").profile(stale) is None


def test_token_0_is_nobodys() -> None:
    """APISIX cannot tell it from a token that is absent."""
    assert existing("default").profile(0) == NO_PROFILE


@pytest.mark.parametrize(
    "refused",
    [
        [],
        [(b"gatepass", None)],
        [(b"gatepass", b"")],
        [(b"Gatepass", b'{"profile":"default"}')],
        [(b"gatepass ", b'{"profile":"default"}')],
        [(b"other", b'{"profile":"default"}')],
        [(b"", b'{"profile":"default"}')],
        [*conf(), *conf()],
        [*conf(), (b"other", b"{}")],
        [(b"other", b"{}"), *conf()],
        *(
            [(b"gatepass", text)]
            for text in (
                b"{",
                b"null",
                b"7",
                b"default",
                b'"default"',
                b"[]",
                b'["default"]',
                b"{}",
                b'{"profile":"\xff"}',
                b'{"profile":"default"}{"profile":"default"}',
                b'{"profile":"team-a","profile":"default"}',
                b'{"profile":' + b"9" * 5000 + b"}",
                b"[" * 100_000,
                b'{"profile":' + b"[" * 100_000,
            )
        ),
        conf(None),
        conf(7),
        conf(1.5),
        conf(["default"]),
        conf({"name": "default"}),
        conf(""),
        conf(" default"),
        conf("default\n"),
        conf("a/b"),
        conf(".."),
        conf("_a"),
        conf("x" * 65),
        conf("d\u00e9fault"),
        conf("\udc80"),
        conf(Profile="other"),
        conf(issuer="https://evil.example"),
    ],
)
def test_sec_39_a_configuration_that_is_not_one_profile_is_refused_and_said_once(
    refused: Sequence[Entry], caplog: pytest.LogCaptureFixture
) -> None:
    tokens = existing("default", "team-a")
    with caplog.at_level(logging.ERROR):
        for _ in range(5):  # APISIX asks again with every request
            assert tokens.prepare(refused) is None
    assert texts(caplog) == [NOT_ONE_PROFILE]
    assert vars(caplog.records[0])["profile"] == ""


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_sec_08_a_configuration_in_another_character_set_is_refused(encoding: str) -> None:
    text = '{"profile":"default"}'.encode(encoding)
    assert existing("default").prepare([(b"gatepass", text)]) is None


def test_sec_39_a_profile_that_does_not_exist_is_refused_until_a_reload_brings_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    profiles = ["default"]
    tokens = ConfTokens(lambda: profiles)
    with caplog.at_level(logging.ERROR):
        assert [tokens.prepare(conf("later")) for _ in range(5)] == [None] * 5
    assert texts(caplog) == [NO_SUCH_PROFILE]
    assert vars(caplog.records[0])["profile"] == "later"
    assert tokens.profile(conf_token("later")) is None
    profiles.append("later")
    assert tokens.prepare(conf("later")) == conf_token("later")
    assert tokens.profile(conf_token("later")) == "later"


def test_a_profile_of_a_reload_is_known_by_its_token_without_being_prepared() -> None:
    """Another process has prepared it."""
    profiles = ["default"]
    tokens = ConfTokens(lambda: profiles)
    assert tokens.profile(conf_token("later")) is None
    profiles.append("later")
    assert tokens.profile(conf_token("later")) == "later"


def test_a_profile_that_a_reload_took_away_is_left_to_the_gate() -> None:
    """It refuses with a reason of its own; a token that is unknown would be asked for anew."""
    profiles = ["default", "gone"]
    tokens = ConfTokens(lambda: profiles)
    profiles.remove("gone")
    assert tokens.profile(conf_token("gone")) == "gone"
    assert tokens.prepare(conf("gone")) is None


@pytest.mark.parametrize("names", [("p964", "p3959"), ("p3959", "p964")])
def test_sec_49_of_two_names_with_one_token_neither_has_it(
    names: Collection[str], caplog: pytest.LogCaptureFixture
) -> None:
    (token,) = {conf_token(name) for name in names}
    with caplog.at_level(logging.ERROR):
        tokens = ConfTokens(lambda: names)
        assert [tokens.prepare(conf(name)) for name in names] == [None, None]
    assert tokens.profile(token) == NO_PROFILE
    assert texts(caplog) == ["two profiles have one number: rename one"]


def test_no_number_of_bad_configurations_fills_the_log_or_the_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tokens = existing("default")
    with caplog.at_level(logging.ERROR):
        for number in range(3 * module._MAX_SAID):
            assert tokens.prepare(conf(f"p{number}")) is None
    assert len(texts(caplog)) == len(tokens._said) == module._MAX_SAID
    assert len(tokens._names) == 2
