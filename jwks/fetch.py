"""One hardened exchange, and the only place of the package that opens a socket (SEC-20, SEC-22).

Rules, in order:

1. The URL passes `gatepass.jwks.address` first.
2. Nothing of the environment counts: no proxy, no netrc. TLS is verified against the CAs of the
   settings, else those of the system (`SSL_CERT_FILE` and `SSL_CERT_DIR` as OpenSSL reads them).
3. A name is resolved once, what it resolves to is judged by `gatepass.jwks.networks`, and the very
   address that was judged is dialed: a name that resolves to another machine a moment later (DNS
   rebinding) changes nothing. TLS verifies the name all the same. Through a proxy of the settings
   it is the proxy that resolves; the proxy itself may stand anywhere.
4. One deadline covers the whole exchange, from name resolution to the last byte: a server that
   sends one byte per second never trips a timeout per read.
5. Status 200, or 304 to a question that named an entity tag; a redirect is never followed.
6. What comes in is taken in slices and bounded in all (`gatepass.jwks.slices`), and so is the body,
   before and after inflation (`gatepass.jwks.body`).

What the body says is left to others; so are retries and caching. The content type is not looked at:
key sets are served as text/plain too.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gatepass.jwks.address import checked_host
from gatepass.jwks.body import make_body
from gatepass.jwks.caching import entity_tag, fresh_seconds
from gatepass.jwks.errors import KeySourceUnavailable
from gatepass.jwks.fetcher import Fetched
from gatepass.jwks.limits import DEFAULT_LIMITS
from gatepass.jwks.networks import Address, Network, dialable
from gatepass.jwks.proxy import read_proxy
from gatepass.jwks.route import route_digest
from gatepass.jwks.slices import SlicedStream, most_bytes

if TYPE_CHECKING:
    import httpcore

    _Backend = httpcore.AsyncNetworkBackend
else:
    _Backend = object  # importing httpcore costs 50 ms, and keys from a file never need it

DEFAULT_TIMEOUT_SECONDS = 5.0

_HEADERS = (
    (b"accept", b"application/json, */*;q=0.5"),
    (b"accept-encoding", b"gzip, identity"),
    (b"user-agent", b"gatepass"),
    (b"connection", b"close"),
)
_FORM = (b"content-type", b"application/x-www-form-urlencoded")
_MAX_DIALED = 4
_NO_CONNECTION: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (ssl.SSLError, "TLS handshake failed"),
)


Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of a name, or the address that the host spells out, by the system.

    Raises:
        KeySourceUnavailable: for a name that is not known.

    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as unknown:
        raise KeySourceUnavailable("name not known") from unknown
    return [ipaddress.ip_address(address[0]) for *_, address in found]


class HttpFetcher:
    """Fetches over HTTP/1.1 with a connection of its own per exchange.

    `timeout_seconds` bounds the whole exchange, `max_bytes` the body before and after inflation;
    `allow_http_loopback` lets plain http pass to the machine itself, without a proxy;
    `allow_networks` are those beside the public Internet that may be asked. The CAs of `ca_file`
    (PEM) take the place of the system's. `proxy` is `http://host:port` or `https://host:port`;
    `resolve` turns names into addresses. Two are equal when they go by
    the same `route` (route.py).

    Raises:
        ConfigurationError: when `proxy` is not one.

    """

    def __init__(  # noqa: PLR0913 - each is a setting of an issuer
        self,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        max_bytes: int = DEFAULT_LIMITS.max_key_set_bytes,
        allow_http_loopback: bool = False,
        allow_networks: Collection[Network] = (),
        ca_file: Path | None = None,
        proxy: str | None = None,
        resolve: Resolve = resolve,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._max_bytes = max_bytes
        self._allow_http_loopback = allow_http_loopback
        self._allow_networks = allow_networks
        self._ca_file = ca_file
        self._proxy = None if proxy is None else read_proxy(proxy)
        self._resolve = resolve
        self.route = route_digest(
            ca_file, self._proxy, allow_networks, allow_http_loopback=allow_http_loopback
        )
        self._tls: ssl.SSLContext | None = None
        self._reading_cas = asyncio.Lock()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HttpFetcher) and other.route == self.route

    def __hash__(self) -> int:
        return hash(self.route)

    async def get(self, url: str, etag: bytes | None = None) -> Fetched:
        """Return the document at a URL; with the `etag` of the last one, perhaps no body.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        asked = () if etag is None else ((b"if-none-match", etag),)
        return await self._exchange("GET", url, asked)

    async def post(self, url: str, form: bytes, headers: Mapping[str, str]) -> bytes:
        """Return what the server answers to a form, which is URL-encoded already.

        Raises:
            KeySourceUnavailable: for everything that goes wrong.

        """
        more = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
        return (await self._exchange("POST", url, (_FORM, *more), form)).body or b""

    async def _exchange(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[bytes, bytes]],
        content: bytes | None = None,
    ) -> Fetched:
        host = checked_host(url, allow_http_loopback=self._allow_http_loopback)
        import httpcore  # noqa: PLC0415 - see above

        # httpcore leaves the socket open when the deadline cuts a TLS handshake off, so the two or
        # three steps of connecting give up by themselves before
        patience = self._timeout_seconds / (3 if self._proxy is None else 4)
        try:
            async with (
                asyncio.timeout(self._timeout_seconds),
                await self._connections(url, host) as connections,
                connections.stream(
                    method,
                    url,
                    headers=[*_HEADERS, *headers],
                    content=content,
                    extensions={"timeout": {"connect": patience}},
                ) as response,
            ):
                return await self._read(response, conditional=b"if-none-match" in dict(headers))
        except (TimeoutError, httpcore.TimeoutException) as late:
            raise KeySourceUnavailable("timeout") from late
        except httpcore.ConnectError as failure:
            raise KeySourceUnavailable(_why(failure)) from failure
        except httpcore.ProxyError as failure:
            raise KeySourceUnavailable("refused by the proxy") from failure
        # anyio lets a TLS record that does not decipher through as the OSError that it is
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as failure:
            raise KeySourceUnavailable("no answer") from failure

    async def _connections(self, url: str, host: str) -> "httpcore.AsyncConnectionPool":
        import httpcore  # noqa: PLC0415 - see above

        # reading the CAs takes tens of milliseconds: it happens once, however many exchanges begin
        # together, and nobody else waits for it
        async with self._reading_cas:
            self._tls = self._tls or await asyncio.to_thread(_tls_context, self._ca_file)
        most = most_bytes(self._max_bytes)
        literal = _literal(host)
        local = host == "localhost" or (literal is not None and literal.is_loopback)
        if self._proxy is None or local:  # to a proxy, these names mean the proxy's own machine
            plain = url.startswith("http:")
            dialer = _Dialer(self._resolve, self._allow_networks, most, local=local, plain=plain)
            return httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=dialer)
        if literal is not None:
            dialable([literal], self._allow_networks, local=False)
        return httpcore.AsyncHTTPProxy(
            self._proxy.url,
            proxy_auth=self._proxy.auth,
            ssl_context=self._tls,
            proxy_ssl_context=self._tls if self._proxy.url.startswith("https:") else None,
            network_backend=_Dialer(self._resolve, None, most),
        )

    async def _read(self, response: "httpcore.Response", *, conditional: bool) -> Fetched:
        headers = [(name.lower(), value) for name, value in response.headers]
        if conditional and response.status == HTTPStatus.NOT_MODIFIED:
            return Fetched(None, entity_tag(headers), fresh_seconds(headers))
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            raise KeySourceUnavailable("redirect")
        if response.status != HTTPStatus.OK:
            raise KeySourceUnavailable("status")
        body = make_body(dict(headers).get(b"content-encoding", b""), self._max_bytes)
        async for chunk in response.aiter_stream():
            body.feed(chunk)
        return Fetched(body.whole(), entity_tag(headers), fresh_seconds(headers))


class _Dialer(_Backend):
    """Dials the very addresses that it judged; `allowed` is None for a proxy, which may be any."""

    def __init__(
        self,
        resolve: Resolve,
        allowed: Collection[Network] | None,
        max_bytes: int,
        *,
        local: bool = False,
        plain: bool = False,
    ) -> None:
        self._resolve = resolve
        self._allowed = allowed
        self._max_bytes = max_bytes
        self._local = local
        self._plain = plain

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        *_options: object,
        **_more: object,
    ) -> "httpcore.AsyncNetworkStream":
        found = await self._resolve(host, port)
        addresses = (
            found if self._allowed is None else dialable(found, self._allowed, local=self._local)
        )
        if self._plain and not all(address.is_loopback for address in addresses):
            raise KeySourceUnavailable("address: not https")
        return cast(
            "httpcore.AsyncNetworkStream",
            SlicedStream(await self._dial(addresses[:_MAX_DIALED], port, timeout), self._max_bytes),
        )

    async def _dial(
        self,
        addresses: Sequence[Address],
        port: int,
        timeout: float | None,  # noqa: ASYNC109 - httpcore's signature
    ) -> "httpcore.AsyncNetworkStream":
        import httpcore  # noqa: PLC0415 - see above

        dial = httpcore.AnyIOBackend().connect_tcp
        *others, last = addresses
        patience = None if timeout is None else timeout / (len(others) + 1)
        for address in others:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await dial(str(address), port, patience)
        return await dial(str(last), port, patience)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as failure:
        raise KeySourceUnavailable("CA file: not readable") from failure


def _why(failure: BaseException | None) -> str:
    """Return in fixed words why there is no connection; httpcore keeps the system's error below."""
    while failure is not None:
        for kind, words in _NO_CONNECTION:
            if isinstance(failure, kind):
                return words
        failure = failure.__cause__ or failure.__context__
    return "no answer"
