"""Every request target that was tried at the real APISIX, and what each side made of it.

The upstream gets the target as it was sent, as long as nothing rewrites the path.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One target; without a path nginx refused it with 400, and no runner was asked."""

    target: bytes
    path: bytes | None = None
    """What the runner is told, and what decides on the route."""
    rewritten: bytes = b""
    """The target that the upstream gets when the runner sends the path back."""


PATH_TABLE = (
    Row(b"/v1//models", b"/v1/models", b"/v1/models"),
    Row(b"/v1/%2f%2fmodels", b"/v1/models", b"/v1/models"),
    Row(b"/v1/a%2Fb", b"/v1/a/b", b"/v1/a/b"),
    Row(b"/v1/a%252Fb", b"/v1/a%2Fb", b"/v1/a%252Fb"),
    Row(b"/v1/../v1/models", b"/v1/models", b"/v1/models"),
    Row(b"/v1/public/../admin", b"/v1/admin", b"/v1/admin"),
    Row(b"/v1/public/..%2fadmin", b"/v1/admin", b"/v1/admin"),
    Row(b"/v1/public/%2e%2e/admin", b"/v1/admin", b"/v1/admin"),
    Row(b"/v1/public/.%2E/admin", b"/v1/admin", b"/v1/admin"),
    Row(b"/v1/admin%2F..%2Fpublic", b"/v1/public", b"/v1/public"),
    Row(b"/v1/public;/../admin", b"/v1/admin", b"/v1/admin"),
    Row(b"/v1/public;a=b/x", b"/v1/public;a=b/x", b"/v1/public;a=b/x"),
    Row(b"/v1/public/..;/admin", b"/v1/public/..;/admin", b"/v1/public/..;/admin"),
    Row(b"/v1/models%3Fadmin=1", b"/v1/models?admin=1", b"/v1/models%3Fadmin=1"),
    Row(b"/v1/models%23frag", b"/v1/models#frag", b"/v1/models%23frag"),
    Row(b"/v1/models#frag", b"/v1/models", b"/v1/models"),
    Row(b"/v1/models?x=/../admin", b"/v1/models", b"/v1/models?x=/../admin"),
    Row(b"/v1/%5c..%5cadmin", b"/v1/\\..\\admin", b"/v1/%5C..%5Cadmin"),
    Row(b"/v1/./models", b"/v1/models", b"/v1/models"),
    Row(b"/v1/models/", b"/v1/models/", b"/v1/models/"),
    Row(b"/V1/models", b"/V1/models", b"/V1/models"),
    Row(b"/%761/models", b"/v1/models", b"/v1/models"),
    Row(b"/plain/..%2f..%2fv1/models"),
    Row(b"/plain/%2e%2e/v1/models", b"/v1/models", b"/v1/models"),
    Row(b"/plain/..;/v1/models", b"/plain/..;/v1/models", b"/plain/..;/v1/models"),
    Row(b"//v1/models", b"/v1/models", b"/v1/models"),
    Row(b"/v1/%00"),
    Row(b"/v1/a%0ab", b"/v1/a\nb", b"/v1/a%0Ab"),
    Row(b"/v1/a b"),
    Row(b"/v1/a%20b", b"/v1/a b", b"/v1/a%20b"),
    Row(b"/v1/caf%C3%A9", b"/v1/caf\xc3\xa9", b"/v1/caf%C3%A9"),
    Row(b"/v1/100%25", b"/v1/100%", b"/v1/100%25"),
    Row(b"/v1/raw\xc3\xa9\xff", b"/v1/raw\xc3\xa9\xff", b"/v1/raw%C3%A9%FF"),
    Row(b"http://other.example/v1/abs?x=1", b"/v1/abs", b"/v1/abs?x=1"),
)
