import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.proxy import Proxy, read_proxy


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://proxy.corp:3128", Proxy("http://proxy.corp:3128")),
        ("http://proxy.corp:3128/", Proxy("http://proxy.corp:3128")),
        ("https://proxy.corp", Proxy("https://proxy.corp")),
        ("http://10.0.0.1:3128", Proxy("http://10.0.0.1:3128")),
        ("http://[fd00::1]:3128", Proxy("http://[fd00::1]:3128")),
        ("http://u:p@proxy.corp", Proxy("http://proxy.corp", (b"u", b"p"))),
        ("http://u%40x:p%3Aq@proxy.corp", Proxy("http://proxy.corp", (b"u@x", b"p:q"))),
        ("http://:@proxy.corp", Proxy("http://proxy.corp", (b"", b""))),
    ],
)
def test_a_proxy_is_read(text: str, proxy: Proxy) -> None:
    assert read_proxy(text) == proxy


@pytest.mark.parametrize(
    "text",
    [
        "",
        "proxy.corp:3128",
        "socks5://proxy.corp:1080",
        "http://",
        "http://proxy.corp/path",
        "http://proxy.corp?x=1",
        "http://u@proxy.corp",
        "http://u:p@q@proxy.corp",
        "http://u:p/q@proxy.corp",
        "http://proxy corp",
        "http://proxy.corp:99999",
        "http://proxy.corp:0",
        "http://169.254.169.254:80",
        "http://0x7f.1",
    ],
)
def test_what_is_no_proxy_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_proxy(text)
    assert refused.value.problems[0].startswith("proxy: ")
