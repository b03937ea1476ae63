"""The plugin server for Kong: CPU time of its process for an event, from first byte to last.

An event is an access phase with a warm token and a body of one kilobyte, 16 connections at once.
Beside it stand the floor, a server of the same kind that lets everything through without a
question, and the same decision with its questions asked one by one instead of in one send.
"""

import itertools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import deployment
from bench.figures import Figure, bare_verification

from gatepass.plugin.gateways.kong.instances import instance_id
from support.kong.wire import encode
from support.kong_load import KongTarget, cpu_microseconds_per_event

EVENTS = 16_000
KINDS = {
    "floor": "Kong, allow all without a question",
    "ours": "Kong, decision with 1 KB body",
    "sequential": "Kong, the same, question by question",
}
_REQUEST_IDS = itertools.count(1)


def _request_id() -> bytes:
    return encode("String", {"v": f"{next(_REQUEST_IDS):032x}"})


def _target(pid: int, socket: Path) -> KongTarget:
    body = deployment.chat_body()
    headers = [*deployment.headers(deployment.new_token(0)), (b"content-length", b"%d" % len(body))]
    path = encode("String", {"v": deployment.TARGET.decode()})
    event = {"instance_id": instance_id("default"), "event_name": "access"}
    return KongTarget(
        pid,
        socket,
        encode("RpcCall", {"cmd_handle_event": event}),
        {
            b"kong.request.get_headers": encode(
                "Struct", {name.decode(): value.decode() for name, value in headers}
            ),
            b"kong.request.get_method": encode("String", {"v": "POST"}),
            b"kong.request.get_path_with_query": path,
            b"kong.request.get_path": path,
            b"kong.client.get_forwarded_ip": encode("String", {"v": "192.0.2.7"}),
            b"kong.request.get_raw_body": encode("RawBodyResult", {"content": body}),
        },
        b"kong.nginx.get_var",
        _request_id,
    )


@contextmanager
def _server(kind: str, folder: Path) -> Iterator[KongTarget]:
    """Run one of the servers and yield what to load it with."""
    socket = folder / f"{kind}.sock"
    program = Path(__file__).with_name("kong_server.py")
    process = subprocess.Popen([sys.executable, str(program), kind, str(folder), str(socket)])
    try:
        while not socket.exists():
            assert process.poll() is None
            time.sleep(0.02)
        yield _target(process.pid, socket)
    finally:
        process.terminate()
        process.wait(10)


async def kong(rounds: int) -> list[Figure]:
    """Measure all of them in turn, each time beside the reference."""
    reference = bare_verification()
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    ratios: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        deployment.settings_file(folder)
        for kind in KINDS:
            with _server(kind, folder) as target:
                await cpu_microseconds_per_event(target, EVENTS // 8)
                for _ in range(rounds):
                    bare = reference()
                    time_of_one = await cpu_microseconds_per_event(target, EVENTS)
                    times[kind].append(time_of_one)
                    ratios[kind].append(time_of_one * 2 / (bare + reference()))
    return [
        _figure(KINDS[kind], statistics.median(times[kind]), statistics.median(ratios[kind]), kind)
        for kind in KINDS
    ]


def _figure(name: str, microseconds: float, ratio: float, kind: str) -> Figure:
    if kind == "ours":
        return Figure(name, microseconds, ratio, 5.0, 3.5)
    return Figure(name, microseconds, ratio, ratio)
