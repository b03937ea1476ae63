import ipaddress

import pytest

from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.networks import dialable, refusal

EVERYWHERE = [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]


def _refusal(text: str, *allowed: str, local: bool = False) -> str | None:
    networks = [ipaddress.ip_network(network) for network in allowed]
    return refusal(ipaddress.ip_address(text), networks, local=local)


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1"],
)
def test_the_public_internet_may_be_asked(text: str) -> None:
    assert _refusal(text) is None


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.1", "10.0.0.0/8"),
        ("172.16.0.1", "172.16.0.0/12"),
        ("192.168.255.255", "192.168.0.0/16"),
        ("100.64.0.1", "100.64.0.0/10"),
        ("192.0.2.1", "192.0.2.0/24"),
        ("198.18.0.1", "198.18.0.0/15"),
        ("240.0.0.1", "240.0.0.0/4"),
        ("fd12:3456::1", "fd00::/8"),
        ("fec0::1", "fec0::/10"),
        ("2001:db8::1", "2001:db8::/32"),
        ("64:ff9b:1::1", "64:ff9b:1::/48"),
        ("::7f00:1", "::/96"),
        ("::ffff:10.0.0.1", "10.0.0.0/8"),
        ("64:ff9b::a00:1", "10.0.0.0/8"),
        ("2002:a00:1::1", "10.0.0.0/8"),
    ],
)
def test_sec_21_a_private_network_is_asked_only_where_the_settings_name_it(
    text: str, network: str
) -> None:
    assert _refusal(text) == "address: private network"
    assert _refusal(text, local=True) == "address: private network"
    assert _refusal(text, "10.128.0.0/9", "fd12:3456:1::/48") == "address: private network"
    assert _refusal(text, "10.128.0.0/9", network) is None


@pytest.mark.parametrize("text", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_sec_21_this_machine_is_asked_only_where_the_url_spells_it_out(text: str) -> None:
    assert _refusal(text) == "address: this machine by another name"
    assert _refusal(text, local=True) is None
    assert _refusal(text, "127.0.0.0/8", "::1/128") is None


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("169.254.169.254", "address: link-local"),
        ("169.254.0.1", "address: link-local"),
        ("fe80::1", "address: link-local"),
        ("fe80::1%1", "address: link-local"),
        ("::ffff:169.254.169.254", "address: link-local"),
        ("64:ff9b::a9fe:a9fe", "address: link-local"),
        ("2002:a9fe:a9fe::1", "address: link-local"),
        ("100.100.100.200", "address: metadata service"),
        ("168.63.129.16", "address: metadata service"),
        ("192.0.0.192", "address: metadata service"),
        ("fd00:ec2::254", "address: metadata service"),
        ("fd20:ce::254", "address: metadata service"),
        ("0.0.0.0", "address: not of a machine"),  # noqa: S104 - dialed, not bound
        ("0.1.2.3", "address: not of a machine"),
        ("::", "address: not of a machine"),
        ("224.0.0.1", "address: not of a machine"),
        ("ff02::1", "address: not of a machine"),
        ("255.255.255.255", "address: not of a machine"),
    ],
)
def test_sec_21_some_addresses_are_never_asked(text: str, detail: str) -> None:
    assert refusal(ipaddress.ip_address(text), EVERYWHERE, local=True) == detail


def test_of_several_addresses_those_remain_that_may_be_dialed() -> None:
    addresses = [ipaddress.ip_address(text) for text in ("10.0.0.1", "8.8.8.8", "fe80::1")]
    assert dialable(addresses, [], local=False) == [ipaddress.ip_address("8.8.8.8")]
    with pytest.raises(KeySourceUnavailable) as refused:
        dialable(addresses[::2], [], local=False)
    assert refused.value.detail == "address: private network"
    with pytest.raises(KeySourceUnavailable) as unknown:
        dialable([], [], local=False)
    assert unknown.value.detail == "name not known"
