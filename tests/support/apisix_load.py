"""A bounded load of calls on one runner, as a busy APISIX makes it, and what it cost there.

Each connection makes one call after the other: the call, the answer to whatever is asked, and the
end, which must let the request through.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from support.apisix.messages import EXTRA, REQUEST, Question, RequestAnswer, Rewrite, Var, decode
from support.apisix_calls import call, extra
from support.load import CONNECTIONS, cpu_seconds

_HEAD = 4


@dataclass(frozen=True)
class ApisixTarget:
    """A runner's process and socket, the frame of a call, and the frames that answer questions.

    `answers` are by the names of variables, and by `body` for the body.
    """

    pid: int
    socket: Path
    call: bytes
    answers: Mapping[bytes, bytes]


def target_for(
    pid: int,
    socket: Path,
    headers: list[tuple[bytes, bytes]],
    path: bytes,
    body: bytes,
) -> ApisixTarget:
    """Return a target whose calls are one POST with a body."""
    lines = [*headers, (b"content-length", b"%d" % len(body))]
    answers = {b"real_request_uri": extra(path), b"body": extra(body)}
    return ApisixTarget(pid, socket, call(lines, number=1, path=path), answers)


async def cpu_microseconds_per_call(target: ApisixTarget, calls: int) -> float:
    """Return the runner's CPU time per call, over `calls` of them on a few connections."""
    before = cpu_seconds(target.pid)
    share = calls // CONNECTIONS
    loop = asyncio.get_running_loop()
    ended = [loop.create_future() for _ in range(CONNECTIONS)]
    for future in ended:
        await loop.create_unix_connection(
            lambda future=future: _Calls(target, share, future),  # type: ignore[misc]
            str(target.socket),
        )
    await asyncio.gather(*ended)
    return (cpu_seconds(target.pid) - before) / (share * CONNECTIONS) * 1e6


class _Calls(asyncio.Protocol):
    def __init__(self, target: ApisixTarget, times: int, ended: "asyncio.Future[None]") -> None:
        self._target = target
        self._times = times
        self._ended = ended
        self._kept = b""
        self._known: dict[bytes, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._target.call)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(AssertionError("the runner closed a connection"))

    def data_received(self, data: bytes) -> None:
        data = self._kept + data
        at = 0
        while len(data) - at >= _HEAD:
            end = at + _HEAD + int.from_bytes(data[at + 1 : at + _HEAD])
            if end > len(data):
                break
            self._take(data[at], data[at + _HEAD : end])
            at = end
        self._kept = data[at:]

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == EXTRA:
            self._transport.write(self._answer(payload))
            return
        assert kind == REQUEST, "the runner refused"
        if self._times % 100 == 1:  # to read every one costs more than to make it
            answer = decode(RequestAnswer, payload)
            assert answer.id == 1
            assert isinstance(answer.action, Rewrite), answer
        self._times -= 1
        if self._times:
            self._transport.write(self._target.call)
        else:
            self._ended.set_result(None)
            self._transport.close()

    def _answer(self, payload: bytes) -> bytes:
        """Return the answer to a question, which is always the same bytes."""
        answer = self._known.get(payload)
        if answer is None:
            info = decode(Question, payload).info
            name = info.name or b"" if isinstance(info, Var) else b"body"
            answer = self._known[payload] = self._target.answers[name]
        return answer
