"""Every request target that was tried at the real Kong, and what each reading made of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One target; without a path nginx refused it with 400, and no plugin was called."""

    target: bytes
    path: bytes | None = None
    """kong.request.get_path"""
    uri: bytes = b""
    """nginx's $uri"""
    upstream_uri: bytes = b""
    upstream_target: bytes = b""
    """The target of the request that reached the upstream."""


PATH_TABLE = (
    Row(b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models"),
    Row(b"//v1//models", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models"),
    Row(b"/v1/%6dodels", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models"),
    Row(b"/v1%2fmodels", b"/v1%2Fmodels", b"/v1/models", b"/v1%2Fmodels", b"/v1%2Fmodels"),
    Row(b"/v1%2Fmodels", b"/v1%2Fmodels", b"/v1/models", b"/v1%2Fmodels", b"/v1%2Fmodels"),
    Row(b"/v1/../admin", b"/admin", b"/admin", b"/admin", b"/admin"),
    Row(b"/public/../v1/models", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models"),
    Row(
        b"/public/..%2fv1/models",
        b"/public/..%2Fv1/models",
        b"/v1/models",
        b"/public/..%2Fv1/models",
        b"/public/..%2Fv1/models",
    ),
    Row(b"/public/%2e%2e/v1/models", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models"),
    Row(b"/public/%2E./v1/models", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models"),
    Row(b"/v1/./models", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models"),
    Row(b"/v1/models/", b"/v1/models/", b"/v1/models/", b"/v1/models/", b"/v1/models/"),
    Row(b"/v1/models/.", b"/v1/models/", b"/v1/models/", b"/v1/models/", b"/v1/models/"),
    Row(b"/v1/models?x=/../y", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models?x=/../y"),
    Row(
        b"/v1/models%3fx=1",
        b"/v1/models%3Fx=1",
        b"/v1/models?x=1",
        b"/v1/models%3Fx=1",
        b"/v1/models%3Fx=1",
    ),
    Row(
        b"/v1/models;a=b",
        b"/v1/models;a=b",
        b"/v1/models;a=b",
        b"/v1/models;a=b",
        b"/v1/models;a=b",
    ),
    Row(
        b"/v1/mod%65ls%20x", b"/v1/models x", b"/v1/models x", b"/v1/models%20x", b"/v1/models%20x"
    ),
    Row(b"/v1/a%00b"),
    Row(b"/v1/%zz"),
    Row(b"/v1/%"),
    Row(
        b"/v1/caf%c3%a9", b"/v1/caf\xc3\xa9", b"/v1/caf\xc3\xa9", b"/v1/caf%C3%A9", b"/v1/caf%C3%A9"
    ),
    Row(b"/V1/Models", b"/V1/Models", b"/V1/Models", b"/V1/Models", b"/V1/Models"),
    Row(
        b"/v1/models#frag",
        b"/v1/models#frag",
        b"/v1/models",
        b"/v1/models#frag",
        b"/v1/models#frag",
    ),
    Row(b"/v1/mod\\els", b"/v1/mod\\els", b"/v1/mod\\els", b"/v1/mod%5Cels", b"/v1/mod%5Cels"),
    Row(b"/..%5cv1", b"/..\\v1", b"/..\\v1", b"/..%5Cv1", b"/..%5Cv1"),
    Row(b"/../../v1/models"),
    Row(b"/v1/a%0d%0ab", b"/v1/a\r\nb", b"/v1/a\r\nb", b"/v1/a%0D%0Ab", b"/v1/a%0D%0Ab"),
    Row(b"/v1/a+b", b"/v1/a+b", b"/v1/a+b", b"/v1/a+b", b"/v1/a+b"),
    Row(
        b"/v1/%25%32%66models",
        b"/v1/%252fmodels",
        b"/v1/%2fmodels",
        b"/v1/%252fmodels",
        b"/v1/%252fmodels",
    ),
    Row(b"/v1/models?", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models?"),
    Row(b"/v1/models??a", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models??a"),
    Row(b"/pub%252f..", b"/pub%252f..", b"/pub%2f..", b"/pub%252f..", b"/pub%252f.."),
    Row(b"/.//v1", b"/v1", b"/v1", b"/v1", b"/v1"),
    Row(b"/v1//../models", b"/models", b"/models", b"/models", b"/models"),
    Row(
        b"/v1/a%2f..%2f..%2fadmin",
        b"/v1/a%2F..%2F..%2Fadmin",
        b"/admin",
        b"/v1/a%2F..%2F..%2Fadmin",
        b"/v1/a%2F..%2F..%2Fadmin",
    ),
    Row(b"http://evil.test/v1/models", b"/v1/models", b"/v1/models", b"/v1/models", b"/v1/models"),
    Row(b"http://evil.test//v1/../admin?q", b"/admin", b"/admin", b"/admin", b"/admin?q"),
    Row(b"*"),
    Row(b"/v1/\xe9", b"/v1/\xe9", b"/v1/\xe9", b"/v1/%E9", b"/v1/%E9"),
    Row(b"/aaaaaa", b"/aaaaaa", b"/aaaaaa", b"/aaaaaa", b"/aaaaaa"),
)
