"""What is told of descriptors before and when they run out, and how often."""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gatepass.plugin.commands.descriptors import DescriptorWatch

NEARLY = "nine tenths"
NONE_LEFT = "no descriptors left"
ROOM = 200


@contextmanager
def room_for(more: int) -> Iterator[None]:
    """Leave this process so many descriptors above the highest that it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(number) for number in os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def take_all() -> list[socket.socket]:
    """Take every descriptor, the lowest first."""
    taken = []
    try:
        while True:
            taken.append(socket.socket(socket.AF_UNIX))
    except OSError:
        return taken


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message.split(" of ")[0].split(":")[0] for message in caplog.messages]


def test_nothing_is_told_while_there_is_room(caplog: pytest.LogCaptureFixture) -> None:
    with room_for(ROOM):
        DescriptorWatch().look()
    assert caplog.messages == []


def test_it_is_told_before_and_when_they_run_out_and_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    time = 5.0
    watch = DescriptorWatch(lambda: time)
    with room_for(ROOM):
        taken = take_all()
        for each in taken[-3:]:
            each.close()
        watch.look()
        watch.look()
        assert told(caplog) == [NEARLY]
        taken += take_all()
        watch.look()
        watch.look()
        assert told(caplog) == [NEARLY, NONE_LEFT]
        time += 59
        watch.look()
        assert len(caplog.messages) == 2
        time += 1
        watch.look()
        assert told(caplog) == [NEARLY, NONE_LEFT, NONE_LEFT]
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert {getattr(record, "limit", 0) for record in caplog.records} == {limit}
        for each in taken:
            each.close()
        time += 60
        watch.look()
        assert len(caplog.messages) == 3


RAISE = """
import resource
from gatepass.plugin.commands.descriptors import raise_limit
{before}
raise_limit()
print(resource.getrlimit(resource.RLIMIT_NOFILE))
"""
REFUSED = """
def refuse(*_):
    raise ValueError("not allowed to raise maximum limit")
resource.setrlimit = refuse
"""


@pytest.mark.parametrize(
    ("before", "soft", "said"),
    [
        ("resource.setrlimit(resource.RLIMIT_NOFILE, (64, 512))", 512, ""),
        ("resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))" + REFUSED, 512, ""),
        (
            "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 512))" + REFUSED,
            64,
            "the limit on open descriptors stays as it is\n",
        ),
    ],
)
def test_the_soft_limit_becomes_the_hard_one_where_that_is_allowed(
    before: str, soft: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RAISE.format(before=before)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"({soft}, 512)\n"
    assert done.stderr == said
