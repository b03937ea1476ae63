"""Processes that rush at one limit, all at the same moment (budget_rush.py)."""

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

_SCRIPT = Path(__file__).with_name("budget_rush.py")

Report = dict[str, int]


def rush_all(processes: int, url: str, deployment: str, *words: object) -> list[Report]:
    """Let so many processes begin together, and return what each says; `words` as in the script."""
    command = [sys.executable, str(_SCRIPT), url, deployment, *map(str, words)]
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(processes)
        ]
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(process.communicate(timeout=100)[0]) for process in running]
