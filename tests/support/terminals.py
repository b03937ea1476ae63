"""Commands in a real terminal: what it shows, and what somebody types there."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

SECONDS = 30.0
_COMMAND = (sys.executable, "-m", "gatepass.plugin")


class Ended(NamedTuple):
    status: int
    shown: str


def in_terminal(folder: Path, *words: str, question: str = "", typed: str = "") -> Ended:
    """Run a command in a terminal of its own, and answer its question."""
    ours, theirs = pty.openpty()
    environ = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [*_COMMAND, *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environ | {"TERM": "xterm-256color", "COLUMNS": "100"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        shown = _watch(ours, question, typed)
        return Ended(process.wait(SECONDS), shown.replace("\r\n", "\n"))
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _watch(terminal: int, question: str, typed: str) -> str:
    """Read until nobody writes any more."""
    shown, deadline = b"", time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.05)[0]:
            continue
        try:
            shown += os.read(terminal, 65_536)
        except OSError:  # Linux says so when the last writer is gone
            return shown.decode()
        if question and question in shown.decode(errors="replace"):
            os.write(terminal, f"{typed}\n".encode())
            question = ""
    raise AssertionError(shown)


def in_pipe(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a script does."""
    return subprocess.run(
        [*_COMMAND, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def started(folder: Path, *words: str) -> "subprocess.Popen[bytes]":
    """Start a command whose end somebody else waits for."""
    return subprocess.Popen(
        [*_COMMAND, *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
