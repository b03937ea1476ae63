"""The server of the decision service, answering a constant: what our own work is measured against.

constant_server.py PORT
"""

import asyncio
import socket
import sys
from typing import TYPE_CHECKING

import uvloop

from gatepass.plugin.gateways.server import server_for

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_HEADERS = [(b"content-length", b"0"), (b"cache-control", b"no-store")]


async def constant(_scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Read the body, as the decision service must, and say yes."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": b""})


async def main(port: int) -> None:
    """Serve until killed."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        await server_for(constant).serve(sockets=[listener])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1])))
