"""A bounded load on one local HTTP server, and what it cost that server in CPU time."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Target:
    """A server process and the one request that it is asked again and again."""

    pid: int
    port: int
    request: bytes
    expected_status: bytes = b"200"


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process so far, with the kernel's resolution."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


async def cpu_microseconds_per_request(target: Target, requests: int) -> float:
    """Return the server's CPU time per request, over `requests` of them on a few connections."""
    before = cpu_seconds(target.pid)
    share = requests // CONNECTIONS
    await asyncio.gather(*(_ask(target, share) for _ in range(CONNECTIONS)))
    return (cpu_seconds(target.pid) - before) / (share * CONNECTIONS) * 1e6


async def _ask(target: Target, times: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        for _ in range(times):
            writer.write(target.request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.split(b" ", 2)[1] == target.expected_status, head
            length = next(
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(length)
    finally:
        writer.close()
        await writer.wait_closed()
