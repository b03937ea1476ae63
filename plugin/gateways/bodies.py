"""Reading a request body up to a limit, from an ASGI server.

Rules: no more is kept than the limit and the one message that crossed it; a body above the limit is
not read to its end; a client that hangs up has no body. What a body means is judged elsewhere.
"""

from typing import TYPE_CHECKING

from gatepass.plugin.request import BodyState

if TYPE_CHECKING:
    from starlette.types import Message, Receive


async def read_body(
    receive: "Receive", limit_bytes: int, seen: "list[Message]"
) -> bytes | BodyState | None:
    """Return the body, BodyState.TOO_LARGE, or None when the client has gone.

    `seen` receives every message that was taken from the server, so that it can be replayed.
    """
    size = 0
    while True:
        message = await receive()
        seen.append(message)
        if message["type"] == "http.disconnect":
            return None
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit_bytes:
            return BodyState.TOO_LARGE
        if not message.get("more_body", False):
            return chunk if len(seen) == 1 else b"".join(part.get("body", b"") for part in seen)


def replay(seen: "list[Message]", receive: "Receive") -> "Receive":
    """Return a `receive` that gives the messages of `seen` again and then those that follow."""
    waiting = iter(seen)

    async def receive_again() -> "Message":
        message = next(waiting, None)
        return await receive() if message is None else message

    return receive_again
