import pytest

from gatepass.jwks.address import checked_host
from gatepass.jwks.errors import KeySourceUnavailable


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://idp.example/keys", "idp.example"),
        ("https://IdP.Example", "idp.example"),
        ("https://idp.example:8443/keys?tenant=a&x=%2F", "idp.example"),
        ("https://idp.example?x", "idp.example"),
        ("https://10.0.0.7/keys", "10.0.0.7"),
        ("https://[2001:DB8:0:0::1]:443/keys", "2001:db8::1"),
        ("https://127.0.0.1/keys", "127.0.0.1"),
        ("https://keys.7up.example/", "keys.7up.example"),
    ],
)
def test_sec_20_https_addresses_pass(url: str, host: str) -> None:
    assert checked_host(url) == host


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:8080/keys", "127.0.0.1"),
        ("http://127.9.9.9/", "127.9.9.9"),
        ("http://[::1]:8080/keys", "::1"),
        ("http://[::ffff:127.0.0.1]/keys", "127.0.0.1"),
        ("http://localhost/keys", "localhost"),
    ],
)
def test_sec_20_plain_http_reaches_loopback_by_flag_only(url: str, host: str) -> None:
    assert checked_host(url, allow_http_loopback=True) == host
    with pytest.raises(KeySourceUnavailable) as refused:
        checked_host(url)
    assert refused.value.detail == "address: not https"


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/keys",
        "http://10.0.0.7/keys",
        "http://0.0.0.0/keys",
        "http://localhost.evil.example/keys",
        "http://[2001:db8::1]/keys",
    ],
)
def test_sec_20_the_loopback_flag_opens_nothing_else(url: str) -> None:
    with pytest.raises(KeySourceUnavailable, match="not available") as refused:
        checked_host(url, allow_http_loopback=True)
    assert refused.value.detail == "address: not https"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "idp.example/keys",
        "file:///etc/passwd",
        "ftp://idp.example/keys",
        "HTTPS://idp.example/keys",
        "https:///keys",
        "https://user@idp.example/keys",
        "https://user:secret@idp.example/keys",
        "https://idp.example@evil.example/keys",
        "https://idp.example/keys#fragment",
        "https://idp.example#@evil.example/",
        "https://idp.example\\@evil.example/",
        "https://idp.example/a\\b",
        "https://idp.example/a b",
        "https://idp.example/\r\nhost: evil.example",
        "https://idp.example\t/",
        "https://idp.example/\n",
        "https://idp.ex%61mple/keys",
        "https://münchen.example/keys",
        "https://idp.example/münchen",
        "https://[fe80::1%25eth0]/keys",
        "https://[::1/keys",
        "https://idp.example:/keys",
        "https://idp.example:65536999/keys",
        "https://idp.example/" + "a" * 2048,
    ],
)
def test_sec_20_anything_but_a_plain_url_is_refused(url: str) -> None:
    with pytest.raises(KeySourceUnavailable) as refused:
        checked_host(url, allow_http_loopback=True)
    assert refused.value.detail == "address: not a plain https URL"


@pytest.mark.parametrize("port", ["0", "65536", "99999", "00000"])
def test_sec_20_a_port_is_between_1_and_65535(port: str) -> None:
    with pytest.raises(KeySourceUnavailable) as refused:
        checked_host(f"https://idp.example:{port}/")
    assert refused.value.detail == "address: not a port"


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data/",
        "https://169.254.0.1/",
        "https://[fe80::1]/",
        "https://[febf::a9fe:a9fe]/",
        "https://[::ffff:169.254.169.254]/",
        "https://[::ffff:a9fe:a9fe]/",
    ],
)
def test_sec_21_metadata_services_are_never_asked(url: str) -> None:
    with pytest.raises(KeySourceUnavailable) as refused:
        checked_host(url)
    assert refused.value.detail == "address: link-local"


@pytest.mark.parametrize(
    "host",
    [
        "2852039166",
        "0xa9fea9fe",
        "0XA9FEA9FE",
        "0xa9.0xfe.0xa9.0xfe",
        "169.254.43518",
        "169.16689662",
        "0251.0376.0251.0376",
        "169.254.169.254.",
        "169.254.169.0254",
        "127.1",
        "1.2.3.4.5",
        "256.1.1.1",
        "idp.example.0x",
        "[1.2.3.4]",
        "[::1::]",
        "[:]",
    ],
)
def test_sec_21_unusual_spellings_of_an_ip_address_are_refused(host: str) -> None:
    with pytest.raises(KeySourceUnavailable) as refused:
        checked_host(f"https://{host}/")
    assert refused.value.detail == "address: not an IP address"
