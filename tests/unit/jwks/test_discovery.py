import json

import pytest

from gatepass.jwks.discovery import Metadata, metadata_url, read_address
from gatepass.jwks.errors import KeySourceUnavailable

ISSUER = "https://login.example.com/realms/acme"
JWKS_URI = "https://login.example.com/realms/acme/keys"


def metadata(**changes: object) -> bytes:
    members = {"issuer": ISSUER, "jwks_uri": JWKS_URI} | changes
    return json.dumps({name: value for name, value in members.items() if value != ...}).encode()


def _refused(document: bytes, issuer: str = ISSUER, *, allow_http_loopback: bool = False) -> str:
    with pytest.raises(KeySourceUnavailable) as refused:
        read_address(document, "jwks_uri", issuer, allow_http_loopback=allow_http_loopback)
    return refused.value.detail


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://a.example", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/t1", "https://a.example/t1/.well-known/openid-configuration"),
        ("https://a.example/t1/", "https://a.example/t1/.well-known/openid-configuration"),
        ("https://a.example/t1//", "https://a.example/t1//.well-known/openid-configuration"),
    ],
)
def test_the_metadata_stands_below_the_issuer(issuer: str, url: str) -> None:
    assert metadata_url(issuer) == url


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://a.example", "https://a.example/.well-known/oauth-authorization-server"),
        ("https://a.example/", "https://a.example/.well-known/oauth-authorization-server"),
        (
            "https://a.example:8443/t1",
            "https://a.example:8443/.well-known/oauth-authorization-server/t1",
        ),
        ("https://a.example/t1/", "https://a.example/.well-known/oauth-authorization-server/t1"),
        (
            "https://a.example/t1/t2",
            "https://a.example/.well-known/oauth-authorization-server/t1/t2",
        ),
    ],
)
def test_oauth_metadata_goes_between_host_and_path(issuer: str, url: str) -> None:
    assert metadata_url(issuer, Metadata.OAUTH) == url


@pytest.mark.parametrize("metadata", Metadata)
def test_an_issuer_with_a_query_has_no_metadata(metadata: Metadata) -> None:
    with pytest.raises(KeySourceUnavailable) as refused:
        metadata_url("https://a.example?tenant=t1", metadata)
    assert refused.value.detail == "discovery: an issuer has no query"


@pytest.mark.parametrize(
    ("issuer", "jwks_uri"),
    [
        (ISSUER, JWKS_URI),
        (ISSUER, "https://LOGIN.example.com:8443/keys"),
        ("https://login.example.com/realms/acme/", JWKS_URI),
        ("https://[2001:db8::1]", "https://[2001:db8:0::1]/keys"),
    ],
)
def test_keys_on_the_own_host_are_found(issuer: str, jwks_uri: str) -> None:
    document = metadata(issuer=issuer, jwks_uri=jwks_uri, authorization_endpoint=None)
    assert read_address(document, "jwks_uri", issuer) == jwks_uri


def test_sec_21_keys_on_another_host_are_found_where_the_settings_name_it() -> None:
    document = metadata(jwks_uri="https://keys.example.net/acme")
    assert _refused(document) == "discovery: jwks_uri on another host"
    found = read_address(
        document, "jwks_uri", ISSUER, allowed_hosts=frozenset({"keys.example.net"})
    )
    assert found == "https://keys.example.net/acme"


@pytest.mark.parametrize(
    ("jwks_uri", "detail"),
    [
        ("https://169.254.169.254/latest/meta-data/", "address: link-local"),
        ("http://169.254.169.254/latest/meta-data/", "address: link-local"),
        ("https://[::ffff:169.254.169.254]/", "address: link-local"),
        ("https://127.0.0.1/keys", "discovery: jwks_uri on another host"),
        ("https://evil.example/keys", "discovery: jwks_uri on another host"),
        ("https://login.example.com.evil.example/", "discovery: jwks_uri on another host"),
        ("https://login.example.com./keys", "discovery: jwks_uri on another host"),
        ("https://example.com/keys", "discovery: jwks_uri on another host"),
        ("http://login.example.com/keys", "address: not https"),
        ("file:///etc/passwd", "address: not a plain https URL"),
        ("https://login.example.com@evil.example/", "address: not a plain https URL"),
        ("//login.example.com/keys", "address: not a plain https URL"),
        ("/keys", "address: not a plain https URL"),
        ("", "address: not a plain https URL"),
    ],
)
def test_sec_21_a_document_cannot_send_us_elsewhere(jwks_uri: str, detail: str) -> None:
    assert _refused(metadata(jwks_uri=jwks_uri)) == detail


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example.com/realms/acme/",
        "https://login.example.com/realms/ACME",
        "https://login.example.com/realms/other",
        "http://login.example.com/realms/acme",
        "",
        None,
        [ISSUER],
        {"issuer": ISSUER},
        ...,
    ],
)
def test_sec_21_the_document_of_another_issuer_is_refused(issuer: object) -> None:
    assert _refused(metadata(issuer=issuer)) == "discovery: the document of another issuer"


@pytest.mark.parametrize("jwks_uri", [None, 7, [JWKS_URI], {}, True, ...])
def test_a_document_without_jwks_uri_is_refused(jwks_uri: object) -> None:
    assert _refused(metadata(jwks_uri=jwks_uri)) == "discovery: no jwks_uri"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html><body>Please log in</body></html>",
        b"[]",
        b'"text"',
        metadata()[:-1],
        metadata() + metadata(),
        b"\xef\xbb\xbf" + metadata(),
        metadata().decode().encode("utf-16"),
        metadata(x=float("nan")),
        metadata()[:-1] + b', "jwks_uri": "https://login.example.com/other"}',
        metadata()[:-1] + b', "\\u0069ssuer": "https://login.example.com/other"}',
        metadata()[:-1] + b', "x": ' + b"[" * 30 + b"]" * 30 + b"}",
    ],
    ids=[
        "empty",
        "html",
        "list",
        "text",
        "cut",
        "twice",
        "bom",
        "utf-16",
        "nan",
        "duplicate",
        "escaped-duplicate",
        "deep",
    ],
)
def test_sec_23_what_is_not_strict_json_is_no_metadata(document: bytes) -> None:
    assert _refused(document) == "discovery: not a metadata document"


def test_sec_20_plain_http_stays_on_loopback() -> None:
    issuer = "http://127.0.0.1:8080/acme"
    document = metadata(issuer=issuer, jwks_uri="http://127.0.0.1:8081/keys")
    assert _refused(document, issuer) == "address: not https"
    found = read_address(document, "jwks_uri", issuer, allow_http_loopback=True)
    assert found == "http://127.0.0.1:8081/keys"


def test_sec_21_the_loopback_flag_does_not_open_loopback_to_a_remote_issuer() -> None:
    detail = _refused(metadata(jwks_uri="http://127.0.0.1:6379/"), allow_http_loopback=True)
    assert detail == "discovery: jwks_uri on another host"
