"""Runners of a few lines, to see what APISIX makes of good and bad ones."""

import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path

from support.apisix.messages import (
    EXTRA,
    FROM_APISIX,
    FROM_RUNNER,
    Entries,
    Extra,
    Message,
    Prepare,
    Prepared,
    Question,
    RequestAnswer,
    RequestBody,
    RequestCall,
    ResponseAnswer,
    ResponseCall,
    Rewrite,
    Stop,
    Var,
    decode,
    encode,
    frame,
)
from support.scripted_socket import scripted_socket

TOKEN = 4711
_HEAD = 4


class Ended(Exception):
    """APISIX closed the connection."""


class Peer:
    """The runner's side of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")

    def receive(self) -> tuple[int, bytes]:
        """Return type and payload of the next frame. Raises Ended."""
        try:
            head = self._stream.read(_HEAD)
            if len(head) == _HEAD:
                return head[0], self._stream.read(int.from_bytes(head[1:]))
        except (OSError, ValueError) as error:
            raise Ended from error  # a ValueError: the script closed it itself
        raise Ended

    def next_call(self) -> Message:
        """Return the next call. Raises Ended."""
        kind, payload = self.receive()
        return decode(FROM_APISIX[kind], payload)

    def ask(self, info: Message) -> bytes | None:
        """Ask for more and return the result. Raises Ended."""
        infos = {Var: 1, RequestBody: 2}
        self.say(Question(infos.get(type(info), 3), info))
        kind, payload = self.receive()
        assert kind == EXTRA
        return decode(Extra, payload).result

    def var(self, name: str) -> bytes | None:
        """Ask for a variable. Raises Ended."""
        return self.ask(Var(name.encode()))

    def say(self, message: Message) -> None:
        """Send a message in a frame of its type."""
        kinds = (kind for kind, each in FROM_RUNNER.items() if each is type(message))
        self.send(frame(next(kinds), encode(message)))

    def send(self, octets: bytes) -> None:
        self._connection.sendall(octets)

    def stop(self, status: int, body: bytes | None = None, headers: Entries = ()) -> None:
        """End the request."""
        self.say(RequestAnswer(0, 1, Stop(status, headers, body)))

    def rewrite(self, rewrite: Rewrite | None = None) -> None:
        """Let the request pass, changed like this."""
        self.say(RequestAnswer(0, 2, rewrite or Rewrite()))

    def close(self) -> None:
        """Close cleanly."""
        with suppress(OSError):
            self._stream.close()
            self._connection.close()


Serve = Callable[[Peer], None]
OnCall = Callable[[Peer, RequestCall], None]
OnResponse = Callable[[Peer, ResponseCall], None]


def keep_response(peer: Peer, call: ResponseCall) -> None:
    """Send the response on as it was."""
    peer.say(ResponseAnswer(call.id, 0, call.headers))


def calls(on_call: OnCall, on_response: OnResponse = keep_response) -> Serve:
    """Serve every connection: configurations are taken, and calls are handed on."""

    def serve(peer: Peer) -> None:
        while True:
            match peer.next_call():
                case Prepare():
                    peer.say(Prepared(TOKEN))
                case RequestCall() as call:
                    on_call(peer, call)
                case ResponseCall() as call:
                    on_response(peer, call)

    return serve


def allow(peer: Peer, _call: RequestCall) -> None:
    """Let every request pass."""
    peer.rewrite()


def scripted_runner(path: Path, serve: Serve) -> AbstractContextManager[None]:
    """Run a runner at a path; each connection has a thread, and closes when `serve` returns."""
    return scripted_socket(path, partial(_converse, serve))


def _converse(serve: Serve, connection: socket.socket) -> None:
    peer = Peer(connection)
    try:
        serve(peer)
    except (Ended, BrokenPipeError, ConnectionResetError):
        pass  # APISIX closed the connection, whenever it had a reason
    finally:
        peer.close()
