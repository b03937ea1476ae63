"""Asking a gateway's API, which may be anything that answers HTTP.

Rules, in order: only GET; nothing of the environment counts, no redirect is followed; one deadline
covers each exchange; an answer has a largest size and no encoding. What an answer holds beyond what
is asked of it is not looked at.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.urls import problem_of

ANSWER_SECONDS = 5.0
MAX_ANSWER_BYTES = 16 * 1024 * 1024

_HEADER = re.compile(r"([A-Za-z0-9-]+):[ \t]*([!-~]+(?: [!-~]+)*)")

Document = TypeVar("Document")


class Unanswered(Exception):
    """A question without a usable answer; `status` is 0 when there was no answer at all."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


class GatewayApi:
    """One conversation; `url` may have a path, such as that of a workspace.

    `headers` are `Name: value`; `answer_seconds` bounds each exchange; at `socket`, a Unix socket,
    the URL's host is asked for if it is named. `name` is whose API it is, `argument` what the
    command calls the URL.

    Raises:
        ConfigurationError: the URL or a header cannot be used.

    """

    name = "the gateway"
    argument = "URL"

    def __init__(
        self,
        url: str,
        headers: Sequence[str] = (),
        *,
        answer_seconds: float = ANSWER_SECONDS,
        socket: Path | None = None,
    ) -> None:
        problem = problem_of(url)
        if problem is not None:
            how = "write http://HOST:PORT, without credentials and a query"
            raise ConfigurationError([f"{self.argument}: {problem}; {how}"])
        self._url = url.rstrip("/")
        self._answer_seconds = answer_seconds
        self._client = httpx.AsyncClient(
            headers={**_read_headers(headers), "accept-encoding": "identity"},
            verify=_tls(url),
            timeout=None,  # noqa: S113 - one deadline for the whole exchange, in _get
            follow_redirects=False,
            trust_env=False,
            transport=None if socket is None else httpx.AsyncHTTPTransport(uds=str(socket)),
        )
        self.server = ""
        """What the last answer calls its sender."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.aclose()

    async def get(self, path: str, kind: type[Document], **query: str | int) -> Document:
        """Return the document at a path.

        Raises:
            Unanswered: for everything that goes wrong.

        """
        try:
            async with asyncio.timeout(self._answer_seconds):
                status, body = await self._get(path, query)
        except TimeoutError as error:
            raise Unanswered(f"no whole answer within {self._answer_seconds:g}s") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise Unanswered(_why(error)) from error
        if status != httpx.codes.OK:
            raise Unanswered(f"answered {status}", status)
        try:
            return msgspec.json.decode(body, type=kind)
        except (ValueError, RecursionError) as error:
            raise self.not_understood(status) from error

    def not_understood(self, status: int = 0) -> Unanswered:
        """Return the error for an answer that is none."""
        return Unanswered(f"the answer is not what {self.name} says", status)

    async def _get(self, path: str, query: Mapping[str, str | int]) -> tuple[int, bytes]:
        async with self._client.stream("GET", self._url + path, params=query) as answer:
            self.server = answer.headers.get("server", "")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise httpx.DecodingError("an encoding that was not asked for")
            body = bytearray()
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise httpx.DecodingError(f"longer than {MAX_ANSWER_BYTES >> 20} MiB")
            return answer.status_code, bytes(body)


def _tls(url: str) -> ssl.SSLContext:
    """Return what verifies the other side; loading every CA is spared where nobody asks for it."""
    if url.startswith("https:"):
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _read_headers(headers: Sequence[str]) -> dict[str, str]:
    matches = [_HEADER.fullmatch(header) for header in headers]
    if None in matches:
        raise ConfigurationError(["--header: write `Name: value`"])
    return {match[1]: match[2] for match in matches if match is not None}


def _why(error: Exception) -> str:
    """Say what happened without repeating what the other side sent."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, ssl.SSLError):
            return "TLS handshake failed"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.DecodingError):
        return str(error)
    if isinstance(error, httpx.ConnectError):
        return "no connection"
    return "no answer in HTTP"
