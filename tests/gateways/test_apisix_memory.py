"""Memory stays flat under calls without end (10^6 in a long run)."""

import asyncio
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from support.apisix_calls import TARGET
from support.apisix_load import cpu_microseconds_per_call, target_for
from support.gates import ann, chat_body, settings_file
from support.servers import wait_until
from support.soak import examples

CALLS = 25_000
MOST_GROWTH_BYTES = 24 * 1024 * 1024
MOST_GROWTH_BYTES_PER_CALL = 1024
"""So that few calls tell as well: in many the other bound is the narrower one."""

RUNNER = Path(__file__).parents[1] / "bench" / "apisix_server.py"
_PAGE = os.sysconf("SC_PAGE_SIZE")


def listens(path: Path) -> bool:
    """Answer whether somebody accepts there: the file is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


@pytest.mark.timeout(3000)
@pytest.mark.parametrize("budget", [None, "$1000000000"])
def test_memory_is_flat(tmp_path: Path, budget: str | None) -> None:
    path = tmp_path / "apisix.sock"
    defaults = {} if budget is None else {"defaults": {"budget": budget}}
    prices = [{"model": "gpt-4o*", "input": "$1", "output": "$1", "max_output_tokens": 10}]
    settings_file(
        tmp_path,
        users={"upsert": True, **defaults},
        budgets={"reservation_timeout": "1s", "prices": prices},
    )
    headers = [
        (b"authorization", b"Bearer " + ann()),
        (b"content-type", b"application/json"),
        (b"x_gatepass_user", b"root"),
    ]
    command = [sys.executable, str(RUNNER), "ours", str(tmp_path), str(path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(partial(listens, path))
            load = target_for(process.pid, path, headers, TARGET, chat_body())
            sizes = []
            calls = examples(CALLS) // 2
            for _ in range(3):  # the first times every memory fills that has a bound
                asyncio.run(cpu_microseconds_per_call(load, calls))
                statm = Path(f"/proc/{process.pid}/statm").read_text()
                sizes.append(int(statm.split()[1]) * _PAGE)
        finally:
            process.terminate()
    assert sizes[2] - sizes[1] < min(MOST_GROWTH_BYTES, MOST_GROWTH_BYTES_PER_CALL * calls)
