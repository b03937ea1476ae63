"""One hardened GET, and the only place of the package that opens a socket (SEC-20, SEC-22).

Rules, in order:

1. The address passes `gatepass.jwks.address` first.
2. Nothing of the environment counts: no proxy, no netrc. TLS is verified against the CAs of the
   system (`SSL_CERT_FILE` and `SSL_CERT_DIR` as OpenSSL reads them, for a company's own CA).
3. One deadline covers the whole exchange, from name resolution to the last byte: a server that
   sends one byte per second never trips a timeout per read.
4. Status 200 or nothing; a redirect is never followed.
5. The body is counted as it arrives and again as it is inflated; gzip is the only encoding.

What the body says is left to others; so are retries and caching. The content type is not looked at:
key sets are served as text/plain too.
"""

import asyncio
import socket
import ssl
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from gatepass.jwks.address import checked_host
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    import httpx

DEFAULT_TIMEOUT_SECONDS = 5.0

_HEADERS = {
    "accept": "application/json, */*;q=0.5",
    "accept-encoding": "gzip, identity",
    "user-agent": "gatepass",
}
_GZIP_WINDOW = 31
"""The largest window, with the header and checksum of gzip and of nothing else (zlib's manual)."""


_NO_CONNECTION: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "name not known"),
    (UnicodeError, "name not known"),
    (ConnectionRefusedError, "connection refused"),
    (ssl.SSLError, "TLS handshake failed"),
)


class Fetcher(Protocol):
    """Gets the document at a URL."""

    async def get(self, url: str) -> bytes:
        """Return the whole body.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        ...


class HttpFetcher:
    """Fetches over HTTP/1.1 with a connection of its own per document.

    `timeout_seconds` bounds the whole exchange, `max_bytes` the body before and after inflation;
    `allow_http_loopback` lets plain http pass to the machine itself.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        max_bytes: int = DEFAULT_LIMITS.max_key_set_bytes,
        allow_http_loopback: bool = False,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._allow_http_loopback = allow_http_loopback
        self._tls: ssl.SSLContext | None = None

    async def get(self, url: str) -> bytes:
        """Return the body behind the URL, inflated.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        checked_host(url, allow_http_loopback=self._allow_http_loopback)
        import httpx  # noqa: PLC0415 - costs 100 ms, and keys from a file never need it

        if self._tls is None:
            # reading the CAs takes tens of milliseconds, during which nobody else should wait
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        # httpcore leaves the socket open when the deadline cuts a TLS handshake off, so connecting
        # and the handshake, a third each at most, give up by themselves before
        timeout = httpx.Timeout(None, connect=self._timeout_seconds / 3)
        client = httpx.AsyncClient(
            verify=self._tls, trust_env=False, follow_redirects=False, timeout=timeout
        )
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                client,
                client.stream("GET", url, headers=_HEADERS) as response,
            ):
                return await self._read(response)
        except (TimeoutError, httpx.TimeoutException) as late:
            raise KeySourceUnavailable("timeout") from late
        # httpx lets the complaints of idna about a host through, and those are UnicodeErrors
        except (httpx.ConnectError, UnicodeError) as failure:
            raise KeySourceUnavailable(_why(failure)) from failure
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            raise KeySourceUnavailable("no answer") from failure

    async def _read(self, response: "httpx.Response") -> bytes:
        if response.is_redirect:
            raise KeySourceUnavailable("redirect")
        if response.status_code != HTTPStatus.OK:
            raise KeySourceUnavailable("status")
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding == "gzip":
            body: _Body = _GzipBody(self._max_bytes)
        elif encoding == "identity":
            body = _Body(self._max_bytes)
        else:
            raise KeySourceUnavailable("encoding")
        async for chunk in response.aiter_raw():
            body.feed(chunk)
        return body.whole()


def _why(failure: BaseException | None) -> str:
    """Return in fixed words why there is no connection; httpx keeps the system's error below."""
    while failure is not None:
        for kind, words in _NO_CONNECTION:
            if isinstance(failure, kind):
                return words
        if isinstance(failure, BaseExceptionGroup):  # one error for each address of a name
            failure = failure.exceptions[0]
        else:
            failure = failure.__cause__ or failure.__context__
    return "no answer"


class _Body:
    """Collects a body that is sent as it is."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._received = 0
        self._content = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > self._max_bytes:
            raise KeySourceUnavailable("too large")
        self._content += self._decoded(chunk)
        if len(self._content) > self._max_bytes:
            raise KeySourceUnavailable("too large")

    def whole(self) -> bytes:
        return bytes(self._content)

    def _decoded(self, chunk: bytes) -> bytes:
        return chunk


class _GzipBody(_Body):
    """Collects a gzip body and never inflates more than one byte above the cap."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes)
        self._inflater = zlib.decompressobj(_GZIP_WINDOW)

    def whole(self) -> bytes:
        if not self._inflater.eof or self._inflater.unused_data:
            raise KeySourceUnavailable("not gzip")
        return super().whole()

    def _decoded(self, chunk: bytes) -> bytes:
        try:
            return self._inflater.decompress(chunk, self._max_bytes + 1 - len(self._content))
        except zlib.error as broken:
            raise KeySourceUnavailable("not gzip") from broken
