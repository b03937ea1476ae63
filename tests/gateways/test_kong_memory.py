"""Memory stays flat under events without end (10^6 in a long run)."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gatepass.plugin.gateways.kong.instances import instance_id
from support.gates import ann, chat_body, settings_file
from support.kong.wire import encode
from support.kong_load import KongTarget, cpu_microseconds_per_event
from support.servers import wait_until
from support.soak import examples

EVENTS = 25_000
MOST_GROWTH_BYTES = 24 * 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")


def target(pid: int, socket: Path) -> KongTarget:
    numbers = iter(range(1 << 40))
    headers = {"authorization": f"Bearer {ann().decode()}", "content-type": "application/json"}
    path = encode("String", {"v": "/v1/chat/completions"})
    event = {"instance_id": instance_id("default"), "event_name": "access"}
    return KongTarget(
        pid,
        socket,
        encode("RpcCall", {"cmd_handle_event": event}),
        {
            b"kong.request.get_headers": encode("Struct", headers),
            b"kong.request.get_method": encode("String", {"v": "POST"}),
            b"kong.request.get_path_with_query": path,
            b"kong.request.get_path": path,
            b"kong.request.get_raw_body": encode("RawBodyResult", {"content": chat_body()}),
        },
        b"kong.nginx.get_var",
        lambda: encode("String", {"v": f"{next(numbers):032x}"}),
    )


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("budget", [None, "$1000000000"])
def test_memory_is_flat(tmp_path: Path, budget: str | None) -> None:
    socket = tmp_path / "kong.sock"
    defaults = {} if budget is None else {"defaults": {"budget": budget}}
    prices = [{"model": "gpt-4o*", "input": "$1", "output": "$1", "max_output_tokens": 10}]
    path = settings_file(
        tmp_path,
        users={"upsert": True, **defaults},
        budgets={"reservation_timeout": "1s", "prices": prices},
        doors={"kong": {"socket": str(socket)}},
    )
    command = [sys.executable, "-m", "gatepass.plugin", "kong", "-c", str(path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(socket.exists)
            load = target(process.pid, socket)
            sizes = []
            for _ in range(2):
                asyncio.run(cpu_microseconds_per_event(load, examples(EVENTS) // 2))
                statm = Path(f"/proc/{process.pid}/statm").read_text()
                sizes.append(int(statm.split()[1]) * _PAGE)
        finally:
            process.terminate()
        assert process.wait(20) == 0
    assert sizes[1] - sizes[0] < MOST_GROWTH_BYTES
