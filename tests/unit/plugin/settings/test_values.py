"""One value at a time: what is read, and what is refused."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest

from gatepass.plugin.gateways.kong.bounds import Consumer
from gatepass.plugin.gateways.listener import Address
from gatepass.plugin.settings import values
from gatepass.plugin.settings.problems import BadValue
from gatepass.rbac.roles import Role


def refused(check: Callable[[object], object], value: object) -> str:
    with pytest.raises(BadValue) as raised:
        check(value)
    (finding,) = raised.value.findings
    assert finding.location == ()
    return finding.sentence


@pytest.mark.parametrize("text", ["a", "a b", "no", "12:30", "ünïcode", "x" * 2048])
def test_text(text: str) -> None:
    assert values.to_text(text) == text


@pytest.mark.parametrize(
    "value",
    [None, "", " a", "a ", "a\nb", "a\0", "a\u202eb", "\ufeffa", "x" * 2049, 1, 1.5, True, ["a"]],
)
def test_what_is_no_text(value: object) -> None:
    assert refused(values.to_text, value)


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        (True, True),
        ("true", True),
        ("True", True),
        ("yes", True),
        ("on", True),
        ("ON", True),
        (False, False),
        ("false", False),
        ("no", False),
        ("off", False),
        ("Off", False),
    ],
)
def test_booleans_have_all_words_of_yaml(value: object, flag: bool) -> None:  # noqa: FBT001 - the expected value
    assert values.to_flag(value) is flag


@pytest.mark.parametrize("value", ["", "1", "0", "y", "n", "t", "enabled", 1, 0, None, []])
def test_what_is_no_boolean(value: object) -> None:
    assert refused(values.to_flag, value)


@pytest.mark.parametrize(("value", "count"), [("0", 0), ("16384", 16_384), (7, 7)])
def test_counts(value: object, count: int) -> None:
    assert values.to_count(value) == count


@pytest.mark.parametrize("value", ["-1", "+1", "1.0", "1e3", "1_000", "1" * 13, -1, 1.0, True, "²"])
def test_what_is_no_count(value: object) -> None:
    assert refused(values.to_count, value)


@pytest.mark.parametrize("value", [0.1, 50.0, float("nan"), True, None, -1, ["$5"]])
def test_sec_59_money_never_is_a_float_or_negative(value: object) -> None:
    assert refused(values.to_money, value)
    assert refused(values.to_budget, value)


def test_a_whole_number_of_a_program_is_dollars() -> None:
    assert values.to_money(50) == 50_000_000_000
    assert values.to_budget(50).limits[0].hard == 50_000_000_000


def test_bounds_of_durations_and_sizes() -> None:
    check = values.to_seconds(1, 60)
    assert [check("1s"), check("60s"), check("1m")] == [1, 60, 60]
    for value in ("0", "0s", "61s", "1h"):
        assert refused(check, value) == "must be from 1s to 1m"
    assert refused(check, 30).startswith("not a duration")
    size = values.to_bytes(1024 * 1024)
    assert size("1MiB") == 1_048_576
    for value in ("0KiB", "1025KiB"):
        assert refused(size, value) == "must be from 1KiB to 1MiB"


def test_roles() -> None:
    assert values.to_role("team") is Role.TEAM
    assert refused(values.to_role, "intrnal_user") == 'not a role; did you mean "internal_user"?'
    for word in ("root", "admin", "internal"):
        assert refused(values.to_role, word).startswith("not a role; one of proxy_admin, ")
    assert refused(values.to_role, "TEAM") == 'not a role; did you mean "team"?'


@pytest.mark.parametrize("name", ["x-user", "X-User", "x_user", "x.y~z", "x" * 100])
def test_header_names_are_lower_case(name: str) -> None:
    assert values.to_header_name(name) == name.lower()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x y",
        "x:y",
        "xä",
        "x\r\ny",
        '"x"',
        "x" * 101,
        "Authorization",
        "authorization",
        "Host",
        "content-length",
        "Content_Length",
        "transfer-encoding",
        "Connection",
        "TE",
        "cookie",
        "upgrade",
        "proxy-authorization",
        "X-HTTP-Method-Override",
        "content-encoding",
    ],
)
def test_header_names_that_are_refused(name: str) -> None:
    assert refused(values.to_header_name, name)


def test_the_authorization_header_may_hold_a_token() -> None:
    assert values.to_token_header_name("Authorization") == "authorization"
    assert refused(values.to_token_header_name, "proxy-authorization")


@pytest.mark.parametrize("text", ["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8", "10.0.0.7/32"])
def test_networks(text: str) -> None:
    assert values.to_network(text) == ip_network(text)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0"])
def test_sec_37_nobody_trusts_every_client(text: str) -> None:
    assert refused(values.to_network, text).startswith("would believe every client")


@pytest.mark.parametrize("text", ["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8"])
def test_networks_that_issuers_may_stand_in(text: str) -> None:
    assert values.to_opened_network(text) == ip_network(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("0.0.0.0/0", "would be every address there is"),
        ("::/0", "would be every address there is"),
        ("169.254.0.0/16", "link-local addresses are never asked"),
        ("169.254.169.254", "link-local addresses are never asked"),
        ("fe80::/64", "link-local addresses are never asked"),
        ("10.0.0.1/8", "not an address or a network"),
    ],
)
def test_sec_21_networks_that_no_issuer_may_stand_in(text: str, sentence: str) -> None:
    assert refused(values.to_opened_network, text).startswith(sentence)


def test_proxies() -> None:
    for text in ("http://proxy.corp:3128", "https://u:p@proxy.corp"):
        assert values.to_proxy(text) == text
    assert refused(values.to_proxy, "socks5://canary").startswith("not a proxy; write http://")
    assert refused(values.to_proxy, "http://proxy.corp:0") == "not a port"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy", "10.0.0", "10.0.0.0/33", "*", "", "::g"])
def test_what_is_no_network(text: str) -> None:
    assert refused(values.to_network, text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8700", Address("127.0.0.1", 8700)),
        ("0.0.0.0:0", Address("0.0.0.0", 0)),  # noqa: S104 - a setting that somebody may want
        ("localhost:65535", Address("localhost", 65_535)),
        ("[::1]:80", Address("::1", 80)),
        ("unix:/run/gate.sock", Address(path=Path("/run/gate.sock"))),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    assert values.to_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "8700",
        ":8700",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "::1:80",
        "[::1]",
        "1.2.3:80",
        "[zz]:80",
        "999.0.0.1:80",
        "a b:80",
        "http://a:80",
        "unix:",
        "unix:run/x",
        "unix:/" + "x" * 100,
        "127.0.0.1:\u0668",
        "[1.2.3.4.5]:1",
    ],
)
def test_what_is_no_address(text: str) -> None:
    assert refused(values.to_address, text)


@pytest.mark.parametrize("text", ["/run/kong.sock", "unix:/run/kong.sock"])
def test_a_socket_is_an_absolute_path(text: str) -> None:
    assert values.to_socket_path(text) == Path("/run/kong.sock")


@pytest.mark.parametrize("text", ["kong.sock", "unix:kong.sock", "/" + 100 * "x"])
def test_no_other_text_is_a_socket(text: str) -> None:
    assert refused(values.to_socket_path, text) == "not an absolute path of at most 78 bytes"


def test_a_mode_is_octal() -> None:
    assert values.to_file_mode("0660") == values.to_file_mode("660") == 0o660


@pytest.mark.parametrize("text", ["0666", "0661", "1660", "rw", "0o660", "60", "0680"])
def test_sec_62_nobody_but_owner_and_group_may_open_a_socket(text: str) -> None:
    assert "others than owner and group may have no access" in refused(values.to_file_mode, text)


def test_a_consumer_is_one_of_a_few() -> None:
    assert values.to_consumer("team") is Consumer.TEAM
    told = refused(values.to_consumer, "customer")
    assert told == "must be one of user, team, organization, none"
