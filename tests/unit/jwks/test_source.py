import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.jwks.discovery import Metadata
from gatepass.jwks.document import Document
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.fetcher import Fetched
from gatepass.jwks.source import DiscoveredKeys, FileKeys, InlineKeys, KeySource, UrlKeys
from support.jwks_server import JwksServer, html, ok

DOCUMENT = b'{"keys": []}'
ISSUER = "https://idp.example/acme"
METADATA_URL = "https://idp.example/acme/.well-known/openid-configuration"
JWKS_URI = "https://idp.example/keys"


class ScriptedFetcher:
    """Holds documents by URL; says that nothing changed to who names the tag of what it holds."""

    route = "by script"

    def __init__(self, documents: Mapping[str, bytes], etag: bytes | None = None) -> None:
        self.documents = dict(documents)
        self.etag = etag
        self.asked: list[str] = []
        self.tags: list[bytes | None] = []

    async def get(self, url: str, etag: bytes | None = None) -> Fetched:
        self.asked.append(url)
        self.tags.append(etag)
        if url not in self.documents:
            raise KeySourceUnavailable("status")
        if etag is not None and etag == self.etag:
            return Fetched(None, None, 60.0)
        return Fetched(self.documents[url], self.etag, 30.0)

    async def post(self, url: str, form: bytes, headers: Mapping[str, str]) -> bytes:
        raise NotImplementedError


async def _content(source: KeySource, before: Document | None = None) -> bytes:
    return (await source.load(before)).content


async def _refused(source: KeySource) -> str:
    with pytest.raises(KeySourceUnavailable) as refused:
        await source.load()
    return refused.value.detail


async def test_inline_keys_are_what_the_settings_say() -> None:
    source = InlineKeys(DOCUMENT)
    assert source.fixed
    assert await _content(source) == DOCUMENT


async def test_file_keys_are_read_anew_by_every_load(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(DOCUMENT)
    source = FileKeys(path)
    assert not source.fixed
    assert await _content(source) == DOCUMENT
    path.write_bytes(b'{"keys": [1]}')
    assert await _content(source) == b'{"keys": [1]}'


async def test_sec_22_a_file_above_the_cap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(b"x" * 100)
    assert await _content(FileKeys(path, max_bytes=100)) == b"x" * 100
    assert await _refused(FileKeys(path, max_bytes=99)) == "too large"


async def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, Path("/dev/zero")):
        assert await _refused(FileKeys(path)) == "file: not a regular file"
    for path in (tmp_path / "missing", tmp_path / "a" / "b"):
        assert await _refused(FileKeys(path)) == "file: not there"


async def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert await _refused(FileKeys(tmp_path / ("n" * 5000))) in {
        "file: not readable",
        "file: not there",
    }
    memory = Path("/proc/self/mem")  # a regular file whose first byte cannot be read
    assert await _refused(FileKeys(memory)) == "file: not readable"


async def test_url_keys_are_fetched_by_every_load() -> None:
    fetcher = ScriptedFetcher({JWKS_URI: DOCUMENT})
    source = UrlKeys(JWKS_URI, fetcher)
    assert not source.fixed
    assert await _content(source) == DOCUMENT
    assert await _content(source) == DOCUMENT
    assert fetcher.asked == [JWKS_URI, JWKS_URI]


async def test_what_did_not_change_is_not_sent_again() -> None:
    fetcher = ScriptedFetcher({JWKS_URI: DOCUMENT}, b'"v1"')
    source = UrlKeys(JWKS_URI, fetcher)
    first = await source.load()
    assert first == Document(DOCUMENT, JWKS_URI, b'"v1"', 30.0)
    second = await source.load(first)
    assert second == Document(DOCUMENT, JWKS_URI, b'"v1"', 60.0)
    assert second.content is first.content
    fetcher.documents, fetcher.etag = {JWKS_URI: b"new"}, None
    assert await source.load(second) == Document(b"new", JWKS_URI, None, 30.0)
    assert fetcher.tags == [None, b'"v1"', b'"v1"']


async def test_the_tag_of_another_place_is_not_named() -> None:
    fetcher = ScriptedFetcher({JWKS_URI: DOCUMENT}, b'"v1"')
    moved = Document(b"old", "https://idp.example/old", b'"v1"')
    assert await _content(UrlKeys(JWKS_URI, fetcher), moved) == DOCUMENT
    untagged = Document(b"old", JWKS_URI)
    assert await _content(UrlKeys(JWKS_URI, fetcher), untagged) == DOCUMENT
    assert fetcher.tags == [None, None]


async def test_unchanged_means_nothing_to_who_has_nothing() -> None:
    class Confused(ScriptedFetcher):
        async def get(self, url: str, etag: bytes | None = None) -> Fetched:
            del url, etag
            return Fetched(None)

    assert await _refused(UrlKeys(JWKS_URI, Confused({}))) == "status"
    assert await _refused(DiscoveredKeys(ISSUER, Confused({}))) == (
        "discovery: not a metadata document"
    )


def _metadata(**changes: object) -> bytes:
    return json.dumps({"issuer": ISSUER, "jwks_uri": JWKS_URI} | changes).encode()


async def test_discovered_keys_follow_the_metadata() -> None:
    fetcher = ScriptedFetcher({METADATA_URL: _metadata(), JWKS_URI: DOCUMENT})
    source = DiscoveredKeys(ISSUER, fetcher)
    assert not source.fixed
    assert await _content(source) == DOCUMENT
    assert fetcher.asked == [METADATA_URL, JWKS_URI]
    moved = "https://idp.example/moved"
    fetcher.documents = {METADATA_URL: _metadata(jwks_uri=moved), moved: b"moved"}
    assert await _content(source) == b"moved"


async def test_what_was_located_lately_is_not_looked_for() -> None:
    fetcher = ScriptedFetcher({METADATA_URL: _metadata(), JWKS_URI: DOCUMENT}, b'"v1"')
    source = DiscoveredKeys(ISSUER, fetcher)
    first = await source.load()
    assert first.located
    assert await source.load(first) == replace(first, fresh_seconds=60.0)
    assert fetcher.asked == [METADATA_URL, JWKS_URI, JWKS_URI]
    assert (await source.load(replace(first, located=False))).located
    assert fetcher.asked[3:] == [METADATA_URL, JWKS_URI]
    assert await _content(source, Document(b"from disk", located=True)) == DOCUMENT
    assert fetcher.asked[5:] == [METADATA_URL, JWKS_URI]


async def test_discovered_keys_may_lie_on_a_host_of_the_settings() -> None:
    elsewhere = "https://keys.example.net/"
    fetcher = ScriptedFetcher({METADATA_URL: _metadata(jwks_uri=elsewhere), elsewhere: DOCUMENT})
    source = DiscoveredKeys(ISSUER, fetcher, allowed_hosts=frozenset({"keys.example.net"}))
    assert await _content(source) == DOCUMENT


@pytest.mark.parametrize(
    "uri", ["https://169.254.169.254/latest/meta-data/", "https://evil.example/keys"]
)
async def test_sec_21_a_forged_metadata_document_causes_no_second_request(uri: str) -> None:
    fetcher = ScriptedFetcher({METADATA_URL: _metadata(jwks_uri=uri), uri: DOCUMENT})
    await _refused(DiscoveredKeys(ISSUER, fetcher))
    assert fetcher.asked == [METADATA_URL]


async def test_discovery_over_real_http() -> None:
    async with JwksServer() as server:
        issuer = server.url("/acme")
        well_known = "/acme/.well-known/openid-configuration"
        metadata = json.dumps({"issuer": issuer, "jwks_uri": server.url("/keys")}).encode()
        server.serve(well_known, ok(metadata))
        server.serve("/keys", ok(DOCUMENT))
        fetcher = HttpFetcher(timeout_seconds=5.0, allow_http_loopback=True)
        source = DiscoveredKeys(issuer, fetcher, allow_http_loopback=True)
        assert await _content(source) == DOCUMENT
        assert server.hits == [well_known, "/keys"]
        server.serve(well_known, html())
        assert await _refused(source) == "discovery: not a metadata document"


async def test_an_oauth_server_has_its_metadata_between_host_and_path() -> None:
    url = "https://idp.example/.well-known/oauth-authorization-server/acme"
    fetcher = ScriptedFetcher({url: _metadata(), JWKS_URI: DOCUMENT})
    source = DiscoveredKeys(ISSUER, fetcher, metadata=Metadata.OAUTH)
    assert await _content(source) == DOCUMENT
    assert fetcher.asked == [url, JWKS_URI]
    assert source != DiscoveredKeys(ISSUER, fetcher)


async def test_the_metadata_of_a_template_stands_beneath_another_url() -> None:
    template = "https://idp.example/{tenantid}/v2.0"
    url = "https://idp.example/common/v2.0/.well-known/openid-configuration"
    fetcher = ScriptedFetcher({url: _metadata(issuer=template), JWKS_URI: DOCUMENT})
    source = DiscoveredKeys(template, fetcher, beneath="https://idp.example/common/v2.0")
    assert await _content(source) == DOCUMENT
    fetcher.documents[url] = _metadata(issuer="https://idp.example/common/v2.0")
    assert await _refused(source) == "discovery: the document of another issuer"
    fetcher.documents[url] = _metadata(issuer=template, jwks_uri="https://evil.example/")
    assert await _refused(source) == "discovery: jwks_uri on another host"


def test_only_what_is_elsewhere_has_a_place_and_it_holds_no_secret() -> None:
    fetcher = ScriptedFetcher({})
    assert InlineKeys(DOCUMENT).place is None
    assert FileKeys(Path("keys.json")).place is None
    assert UrlKeys(JWKS_URI, fetcher).place == f"{JWKS_URI} by script"
    first, second = (UrlKeys(f"{JWKS_URI}?key={secret}", fetcher).place for secret in ("s1", "s2"))
    assert first != second
    assert first is not None
    assert "s1" not in first
    places = {
        DiscoveredKeys(ISSUER, fetcher).place,
        DiscoveredKeys(ISSUER, fetcher, metadata=Metadata.OAUTH).place,
        DiscoveredKeys(ISSUER, fetcher, beneath="https://idp.example/common").place,
        DiscoveredKeys(ISSUER, fetcher, allowed_hosts=frozenset({"a.example"})).place,
        DiscoveredKeys(ISSUER, fetcher, allowed_hosts=frozenset({"b.example", "c.example"})).place,
    }
    assert len(places) == 5
