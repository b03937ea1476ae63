"""Plugin servers of a few lines, to see what Kong makes of good and bad ones."""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path

import msgpack

from support.kong.schema import METHODS
from support.kong.wire import LENGTH, decode, decode_message, encode, frame
from support.scripted_socket import scripted_socket

INSTANCE = 7


class Ended(Exception):
    """Kong closed the connection."""


class Peer:
    """The server's side of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self.sequence = 0

    def receive(self) -> bytes:
        """Return the payload of the next frame. Raises Ended."""
        try:
            head = self._stream.read(LENGTH.size)
            if len(head) == LENGTH.size:
                return self._stream.read(LENGTH.unpack(head)[0])
        except (OSError, ValueError) as error:
            raise Ended from error  # a ValueError: the script closed it itself
        raise Ended

    def receive_any(self) -> bytes:
        """Return what comes next, without looking for frames. Raises Ended."""
        with suppress(OSError):
            if octets := self._connection.recv(65536):
                return octets
        raise Ended

    def send(self, octets: bytes) -> None:
        self._connection.sendall(octets)

    def next_call(self) -> dict[str, object]:
        """Return the next RpcCall. Raises Ended."""
        call = decode_message("RpcCall", self.receive())
        number = call["sequence"]
        assert isinstance(number, int)
        self.sequence = number
        return call

    def call_pdk(self, method: str, args: Mapping[str, object]) -> object:
        """Call a method of the PDK and return its reply. Raises Ended."""
        self.send_call(method, args)
        return decode(METHODS[method][1], self.receive())

    def send_call(self, method: str, args: Mapping[str, object]) -> None:
        takes = METHODS.get(method, ("Empty", ""))[0]
        self.send(frame(method.encode()) + frame(encode(takes, args)))

    def end(self) -> None:
        """End the event."""
        self.send(frame(b"") + self.returned())

    def returned(self, **more: object) -> bytes:
        return frame(encode("RpcReturn", {"sequence": self.sequence, **more}))

    def started(self, number: int = INSTANCE) -> None:
        """Answer a StartInstance."""
        self.send(self.returned(instance_status={"instance_id": number}))

    def close(self) -> None:
        """Close cleanly."""
        self._stream.close()
        self._connection.close()

    def reset(self) -> None:
        """Close as soon as there is something unread, which Kong sees as a reset."""
        self._connection.recv(1, socket.MSG_PEEK)
        self.close()


Serve = Callable[[Peer], None]
OnEvent = Callable[[Peer, str], None]


def events(on_event: OnEvent) -> Serve:
    """Serve every connection: instances start, and events are handed on."""

    def serve(peer: Peer) -> None:
        while True:
            call = peer.next_call()
            event = call.get("cmd_handle_event")
            if isinstance(event, dict):
                on_event(peer, event["event_name"])
            elif "cmd_start_instance" in call:
                peer.started()
            else:
                peer.send(peer.returned())

    return serve


def allow(peer: Peer, _phase: str) -> None:
    """Let every request pass."""
    peer.end()


def scripted_server(path: Path, serve: Serve) -> AbstractContextManager[None]:
    """Run a server at a path; each connection has a thread, and closes when `serve` returns."""
    return scripted_socket(path, partial(_converse, serve))


def _converse(serve: Serve, connection: socket.socket) -> None:
    peer = Peer(connection)
    try:
        serve(peer)
    except (Ended, BrokenPipeError, ConnectionResetError):
        pass  # Kong closed the connection, whenever it had a reason
    finally:
        peer.close()


def receive_rpc(peer: Peer) -> Iterator[tuple[int, str, object]]:
    """Give number, method and argument of every MsgPack:1 request."""
    unpacker = msgpack.Unpacker(unicode_errors="surrogateescape", strict_map_key=False)
    while True:
        unpacker.feed(peer.receive_any())
        for _, number, method, params in unpacker:
            yield number, method, params[0]


def send_rpc(peer: Peer, number: int, result: object, error: object = None) -> None:
    """Answer a MsgPack:1 request."""
    answer = [1, number, error, result]
    peer.send(msgpack.packb(answer, unicode_errors="surrogateescape"))
