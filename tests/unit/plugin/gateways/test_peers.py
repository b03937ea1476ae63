"""Who may ask."""

from ipaddress import ip_network

import pytest

from gatepass.plugin.gateways import peers
from gatepass.plugin.gateways.peers import TrustedProxies
from support.asgi import http_scope

PROXIES = TrustedProxies([ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("10.0.0.7")])


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.7", True),
        ("10.0.0.8", False),
        ("::ffff:10.0.0.8", False),
        ("192.0.2.1", False),
        ("", False),
        ("localhost", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_sec_37_only_configured_proxies_are_believed(host: str, *, trusted: bool) -> None:
    for _ in range(2):  # the second answer comes from memory
        assert PROXIES.include(http_scope(client=(host, 1))) is trusted


def test_sec_62_a_unix_socket_is_trusted_by_its_file_mode() -> None:
    assert PROXIES.include(http_scope(client=None, server=("/run/gatepass.sock", None)))


def test_a_peer_whose_address_is_lost_is_not_trusted() -> None:
    assert not PROXIES.include(http_scope(client=None))
    assert not PROXIES.include(http_scope(client=None, server=None))


def test_nobody_is_trusted_by_default() -> None:
    assert not TrustedProxies([]).include(http_scope(client=("127.0.0.1", 1)))


def test_what_is_remembered_is_bounded() -> None:
    proxies = TrustedProxies([ip_network("127.0.0.0/8")])
    for number in range(peers._MAX_LEARNED_PEERS + 10):
        proxies.include(http_scope(client=(f"10.0.{number // 250}.{number % 250}", 1)))
    assert len(proxies._known) == peers._MAX_LEARNED_PEERS
    assert proxies.include(http_scope(client=("127.0.0.5", 1)))
