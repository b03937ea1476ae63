"""An ASGI application asked directly, without a server: scopes as uvicorn makes them."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Scope

Header = tuple[bytes, bytes]


def http_scope(
    method: str = "GET",
    target: bytes = b"/",
    headers: Iterable[Header] = (),
    client: tuple[str, int] | None = ("127.0.0.1", 40000),
    server: tuple[str, int | None] | None = ("127.0.0.1", 8700),
) -> Scope:
    raw_path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": list(headers),
        "client": client,
        "server": server,
        "state": {},
    }


def body_messages(*chunks: bytes) -> list[Message]:
    last = len(chunks) - 1
    return [
        {"type": "http.request", "body": chunk, "more_body": number < last}
        for number, chunk in enumerate(chunks)
    ]


HANG_UP: Message = {"type": "http.disconnect"}


@dataclass
class Exchange:
    """What an application took from its server and what it sent; `taken` counts the messages."""

    incoming: Sequence[Message]
    taken: int = 0
    sent: list[Message] = field(default_factory=list)

    async def receive(self) -> Message:
        if self.taken == len(self.incoming):
            await asyncio.Event().wait()  # the client stays and says no more
        self.taken += 1
        return self.incoming[self.taken - 1]

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> list[Header]:
        headers: list[Header] = list(self.sent[0]["headers"])
        return headers

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.headers if key == name]

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


async def exchange(
    app: ASGIApp, scope: Scope, messages: Sequence[Message] = ({"type": "http.request"},)
) -> Exchange:
    """Give the scope to the application and return what happened."""
    done = Exchange(messages)
    async with asyncio.timeout(5.0):
        await app(scope, done.receive, done.send)
    return done
