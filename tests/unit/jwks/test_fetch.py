import asyncio
import gzip
import logging
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator

import pytest

from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.fetcher import Fetched
from support.jwks_server import (
    Answer,
    JwksServer,
    endless,
    gzip_bomb,
    gzipped,
    hang,
    html,
    ok,
    raw,
    redirect,
    slow,
    status,
)

BODY = b'{"keys": []}'
CAP = 4096


@pytest.fixture
async def server() -> AsyncIterator[JwksServer]:
    async with JwksServer() as running:
        yield running


@pytest.fixture
def fetcher() -> HttpFetcher:
    return HttpFetcher(timeout_seconds=5.0, max_bytes=CAP, allow_http_loopback=True)


async def _refused(fetcher: HttpFetcher, url: str) -> str:
    with pytest.raises(KeySourceUnavailable) as refused:
        await fetcher.get(url)
    return refused.value.detail


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (ok(BODY), BODY),
        (ok(BODY, "text/plain"), BODY),
        (ok(BODY, content_encoding="identity"), BODY),
        (ok(BODY, content_length=str(len(BODY))), BODY),
        (ok(b"x" * CAP), b"x" * CAP),
        (gzipped(BODY), BODY),
        (gzipped(b"x" * CAP), b"x" * CAP),
        (html(), b"<html><body>Please log in</body></html>"),
        (ok(b""), b""),
    ],
    ids=["plain", "text", "identity", "length", "cap", "gzip", "gzip-cap", "html", "empty"],
)
async def test_a_body_arrives_whole(
    server: JwksServer, fetcher: HttpFetcher, answer: Answer, body: bytes
) -> None:
    assert await fetcher.get(server.serve("/keys", answer)) == Fetched(body)


async def test_a_request_says_nothing_about_the_deployment(
    server: JwksServer, fetcher: HttpFetcher
) -> None:
    await fetcher.get(server.serve("/keys?tenant=a", ok(BODY)))
    assert server.hits == ["/keys?tenant=a"]
    (sent,) = server.headers
    assert set(sent) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert sent["user-agent"] == "gatepass"


async def test_sec_20_redirects_are_not_followed(server: JwksServer, fetcher: HttpFetcher) -> None:
    elsewhere = server.serve("/elsewhere", ok(BODY))
    for to in (elsewhere, "file:///etc/hostname", server.url("/keys"), "http://169.254.169.254/"):
        for code in (301, 302, 303, 307, 308):
            assert await _refused(fetcher, server.serve("/keys", redirect(to, code))) == "redirect"
    assert set(server.hits) == {"/keys"}


@pytest.mark.parametrize("code", [201, 204, 206, 400, 401, 404, 429, 500, 503])
async def test_sec_23_only_status_200_counts(
    server: JwksServer, fetcher: HttpFetcher, code: int
) -> None:
    assert await _refused(fetcher, server.serve("/keys", status(code))) == "status"


async def test_sec_20_plain_http_is_refused_before_a_socket_is_opened(server: JwksServer) -> None:
    url = server.serve("/keys", ok(BODY))
    assert await _refused(HttpFetcher(timeout_seconds=5.0), url) == "address: not https"
    assert server.hits == []


async def test_sec_20_a_proxy_of_the_environment_is_not_asked(
    server: JwksServer, fetcher: HttpFetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await fetcher.get(server.serve("/keys", ok(BODY)))).body == BODY


@pytest.mark.parametrize(
    "answer",
    [hang(), slow(BODY, seconds_per_byte=0.05), slow(b"x" * 5000, seconds_per_byte=0.001)],
    ids=["hang", "slow-loris", "slow-below-the-cap"],
)
async def test_sec_22_one_deadline_covers_the_whole_exchange(
    server: JwksServer, answer: Answer
) -> None:
    fetcher = HttpFetcher(timeout_seconds=0.2, allow_http_loopback=True)
    began = time.monotonic()
    assert await _refused(fetcher, server.serve("/keys", answer)) == "timeout"
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    "answer",
    [
        endless(),
        ok(b"x" * (CAP + 1)),
        gzipped(b"x" * (CAP + 1)),
        gzip_bomb(64),
        ok(gzip.compress(BODY) + b"x" * CAP, content_encoding="gzip"),
    ],
    ids=["endless", "one-more", "gzip-one-more", "bomb", "gzip-then-junk"],
)
async def test_sec_22_a_body_above_the_cap_is_refused(
    server: JwksServer, fetcher: HttpFetcher, answer: Answer
) -> None:
    assert await _refused(fetcher, server.serve("/keys", answer)) == "too large"


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        b"",
        gzip.compress(BODY)[:-1],
        gzip.compress(BODY)[:12],
        gzip.compress(BODY) + b"more",
        gzip.compress(BODY) + gzip.compress(BODY),
        gzip.compress(BODY)[:-8] + b"\0" * 8,
    ],
    ids=["plain", "empty", "cut", "cut-early", "more", "two-members", "checksum"],
)
async def test_sec_23_broken_gzip_is_refused(
    server: JwksServer, fetcher: HttpFetcher, body: bytes
) -> None:
    url = server.serve("/keys", ok(body, content_encoding="gzip"))
    assert await _refused(fetcher, url) == "not gzip"


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip", "x-gzip"])
async def test_sec_22_other_encodings_are_refused(
    server: JwksServer, fetcher: HttpFetcher, encoding: str
) -> None:
    url = server.serve("/keys", ok(BODY, content_encoding=encoding))
    assert await _refused(fetcher, url) == "encoding"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"ssh-2.0 hello\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 200_000 + b"\r\n\r\n{}",
    ],
    ids=["nothing", "not-http", "cut", "bad-length", "bad-chunk", "long-header"],
)
async def test_sec_23_what_is_not_http_is_refused(
    server: JwksServer, fetcher: HttpFetcher, octets: bytes
) -> None:
    assert await _refused(fetcher, server.serve("/keys", raw(octets))) == "no answer"


@pytest.mark.parametrize(
    "host", ["a..b", "xn--a", "-.example", "a" * 64 + ".invalid", "..", "_.invalid"]
)
async def test_a_host_that_cannot_be_is_no_crash(fetcher: HttpFetcher, host: str) -> None:
    assert await _refused(fetcher, f"https://{host}/") == "name not known"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_dead_server_refuses_the_connection(fetcher: HttpFetcher, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert await _refused(fetcher, f"https://{host}:{port}/") == "connection refused"


async def test_what_does_not_speak_tls_fails_in_the_handshake(fetcher: HttpFetcher) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ready\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await _refused(fetcher, f"https://127.0.0.1:{port}/") == "TLS handshake failed"


async def test_a_cancelled_fetch_stays_cancelled(server: JwksServer, fetcher: HttpFetcher) -> None:
    task = asyncio.create_task(fetcher.get(server.serve("/keys", hang())))
    while not server.hits:  # noqa: ASYNC110 - the server's hits are a list, not an event
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_http_client_is_imported_by_the_first_fetch_only() -> None:
    code = "import sys, gatepass.jwks, gatepass.jwks.fetch; sys.exit('httpcore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_an_entity_tag_asks_whether_something_changed(
    server: JwksServer, fetcher: HttpFetcher
) -> None:
    cached = {"etag": '"v1"', "cache_control": "public, max-age=600", "age": "100"}
    url = server.serve("/keys", ok(BODY, **cached))
    assert await fetcher.get(url) == Fetched(BODY, b'"v1"', 500.0)
    server.serve("/keys", status(304, **cached))
    assert await fetcher.get(url, b'"v1"') == Fetched(None, b'"v1"', 500.0)
    assert [sent.get("if-none-match") for sent in server.headers] == [None, '"v1"']
    assert await _refused(fetcher, url) == "redirect", "nothing was named that could be unchanged"


async def test_a_form_is_posted_by_the_same_rules(server: JwksServer, fetcher: HttpFetcher) -> None:
    url = server.serve("/introspect", ok(b'{"active": false}'))
    form = b"token=secret&token_type_hint=access_token"
    assert await fetcher.post(url, form, {"authorization": "Basic eA=="}) == b'{"active": false}'
    (sent,) = server.headers
    assert sent["content-type"] == "application/x-www-form-urlencoded"
    assert sent["authorization"] == "Basic eA=="
    assert server.bodies == [form]
    for answer, detail in (
        (status(401), "status"),
        (status(304), "redirect"),
        (redirect(server.url("/elsewhere"), 307), "redirect"),
        (endless(), "too large"),
        (raw(b""), "no answer"),
    ):
        server.serve("/introspect", answer)
        with pytest.raises(KeySourceUnavailable) as refused:
            await fetcher.post(url, form, {})
        assert refused.value.detail == detail
    with pytest.raises(KeySourceUnavailable):
        await fetcher.post("http://169.254.169.254/", form, {})
    assert set(server.hits) == {"/introspect"}


async def test_sec_22_memory_stays_bounded_whatever_is_sent(
    server: JwksServer, fetcher: HttpFetcher
) -> None:
    tracemalloc.start()
    try:
        for answer in (endless(), gzip_bomb(64)):
            await _refused(fetcher, server.serve("/keys", answer))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


async def test_sec_60_a_form_and_its_secrets_show_in_no_log_and_no_error(
    server: JwksServer, fetcher: HttpFetcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url, said = server.serve("/introspect", ok(b"{}")), {"authorization": "Basic canary"}
    await fetcher.post(url, b"token=canary", said)
    for answer in (status(500), raw(b""), redirect("http://elsewhere.example")):
        server.serve("/introspect", answer)
        with pytest.raises(KeySourceUnavailable) as refused:
            await fetcher.post(url, b"token=canary", said)
        assert "canary" not in f"{refused.value!r} {refused.value} {refused.value.detail}"
    assert "canary" not in caplog.text
