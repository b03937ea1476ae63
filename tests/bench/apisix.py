"""The runner for APISIX: reading a call, and CPU time of its process for one.

A call is one with a warm token and a body of one kilobyte, 16 connections at once. Beside it stands
the floor, a runner of the same kind that lets everything through without a question.
"""

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

from gatepass.plugin.gateways.apisix.messages import read_http_req_call
from support.apisix_calls import call
from support.apisix_load import ApisixTarget, cpu_microseconds_per_call, target_for

CALLS = 16_000
READS = 2_000
KINDS = {
    "floor": "APISIX, allow all without a question",
    "ours": "APISIX, decision with 1 KB body",
}
_HEAD = 4


@contextmanager
def _server(kind: str, folder: Path) -> Iterator[ApisixTarget]:
    """Run one of the runners and yield what to load it with."""
    socket = folder / f"{kind}.sock"
    program = Path(__file__).with_name("apisix_server.py")
    process = subprocess.Popen([sys.executable, str(program), kind, str(folder), str(socket)])
    try:
        while not socket.exists():
            assert process.poll() is None
            time.sleep(0.02)
        headers = deployment.headers(deployment.new_token(0))
        body = deployment.chat_body()
        yield target_for(process.pid, socket, headers, deployment.TARGET, body)
    finally:
        process.terminate()
        process.wait(10)


def reading(rounds: int) -> Figure:
    """Time the reading of a call with twelve headers."""
    reference = bare_verification()
    headers = [*deployment.headers(deployment.new_token(0)), (b"content-length", b"1024")]
    assert len(headers) == 12
    payload = call(headers, number=1, path=deployment.TARGET)[_HEAD:]
    bare, times = [], []
    for _ in range(rounds):
        bare.append(reference())
        start = time.perf_counter()
        for _ in range(READS):
            read_http_req_call(payload)
        times.append((time.perf_counter() - start) / READS * 1e6)
    ratio = statistics.median(one / other for one, other in zip(times, bare, strict=True))
    name = "APISIX, a call of 12 headers read"
    return Figure(name, statistics.median(times), ratio, 0.8, 0.5)


async def apisix(rounds: int) -> list[Figure]:
    """Measure all of them in turn, each time beside the reference."""
    reference = bare_verification()
    figures = [reading(rounds)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        deployment.settings_file(folder)
        for kind, title in KINDS.items():
            times, ratios = [], []
            with _server(kind, folder) as target:
                await cpu_microseconds_per_call(target, CALLS // 8)
                for _ in range(rounds):
                    bare = reference()
                    times.append(await cpu_microseconds_per_call(target, CALLS))
                    ratios.append(times[-1] * 2 / (bare + reference()))
            ratio = statistics.median(ratios)
            bound, aim = (4.0, 3.0) if kind == "ours" else (ratio, None)
            figures.append(Figure(title, statistics.median(times), ratio, bound, aim))
    return figures
