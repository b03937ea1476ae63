import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.source import DiscoveredKeys, FileKeys, InlineKeys, KeySource, UrlKeys
from support.jwks_server import JwksServer, html, ok

DOCUMENT = b'{"keys": []}'
ISSUER = "https://idp.example/acme"
METADATA_URL = "https://idp.example/acme/.well-known/openid-configuration"
JWKS_URI = "https://idp.example/keys"


class ScriptedFetcher:
    """Holds documents by URL; counts what it was asked for."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self.documents = dict(documents)
        self.asked: list[str] = []

    async def get(self, url: str) -> bytes:
        self.asked.append(url)
        try:
            return self.documents[url]
        except KeyError:
            raise KeySourceUnavailable("status") from None


async def _refused(source: KeySource) -> str:
    with pytest.raises(KeySourceUnavailable) as refused:
        await source.load()
    return refused.value.detail


async def test_inline_keys_are_what_the_settings_say() -> None:
    source = InlineKeys(DOCUMENT)
    assert source.fixed
    assert await source.load() == DOCUMENT


async def test_file_keys_are_read_anew_by_every_load(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(DOCUMENT)
    source = FileKeys(path)
    assert not source.fixed
    assert await source.load() == DOCUMENT
    path.write_bytes(b'{"keys": [1]}')
    assert await source.load() == b'{"keys": [1]}'


async def test_sec_22_a_file_above_the_cap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(b"x" * 100)
    assert await FileKeys(path, max_bytes=100).load() == b"x" * 100
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
    assert await source.load() == DOCUMENT
    assert await source.load() == DOCUMENT
    assert fetcher.asked == [JWKS_URI, JWKS_URI]


def _metadata(**changes: object) -> bytes:
    return json.dumps({"issuer": ISSUER, "jwks_uri": JWKS_URI} | changes).encode()


async def test_discovered_keys_follow_the_metadata() -> None:
    fetcher = ScriptedFetcher({METADATA_URL: _metadata(), JWKS_URI: DOCUMENT})
    source = DiscoveredKeys(ISSUER, fetcher)
    assert not source.fixed
    assert await source.load() == DOCUMENT
    assert fetcher.asked == [METADATA_URL, JWKS_URI]
    moved = "https://idp.example/moved"
    fetcher.documents = {METADATA_URL: _metadata(jwks_uri=moved), moved: b"moved"}
    assert await source.load() == b"moved"


async def test_discovered_keys_may_lie_on_a_host_of_the_settings() -> None:
    elsewhere = "https://keys.example.net/"
    fetcher = ScriptedFetcher({METADATA_URL: _metadata(jwks_uri=elsewhere), elsewhere: DOCUMENT})
    source = DiscoveredKeys(ISSUER, fetcher, allowed_hosts=frozenset({"keys.example.net"}))
    assert await source.load() == DOCUMENT


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
        fetcher = HttpFetcher(timeout_seconds=2.0, allow_http_loopback=True)
        source = DiscoveredKeys(issuer, fetcher, allow_http_loopback=True)
        assert await source.load() == DOCUMENT
        assert server.hits == [well_known, "/keys"]
        server.serve(well_known, html())
        assert await _refused(source) == "discovery: not a metadata document"
