"""Requests that go on while real runners come, go, hang and die: none lost that could be served.

Each caller is a client of one nginx worker, which keeps its connections; half of them have a token,
and all claim to be somebody else. What goes upstream must carry its own caller's identity, and
whatever else there is must end in 401, or in an error where nobody was there to decide.
"""

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.apisix_callers import calling, errors_of, wait_for_more
from support.apisix_process import ApisixServed, apisix_process, spawned_process
from support.gates import PRICES
from support.kong_process import SECONDS, is_running, open_sockets, workers_of

READ_TIMEOUT_SECONDS = 0.15
CUT_OFF_SECONDS = 6
UNCOUNTED = {"engine": "none", "prices": PRICES}
WAITING = "gatepass: waiting for another process to let go of the budgets\n"
Start = Callable[..., AbstractContextManager[ApisixServed]]
STARTS = pytest.mark.parametrize("start", [apisix_process, spawned_process])


def doors_of(folder: Path, workers: int) -> dict[str, object]:
    return {"apisix": {"socket": f"{folder}/apisix.sock"}, "workers": workers}


def ready_workers(served: ApisixServed, workers: int) -> set[int]:
    """Wait until all workers answer, and return them; they read the settings again no sooner."""
    served.wait_until_it_answers()
    deadline = time.monotonic() + SECONDS
    while len(workers_of(served.process.pid)) < workers:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    served.process.send_signal(signal.SIGHUP)
    served.wait_for("settings reloaded", workers)
    return workers_of(served.process.pid)


@STARTS
def test_sec_41_the_next_one_takes_over_and_no_request_fails(tmp_path: Path, start: Start) -> None:
    with start(tmp_path) as old, calling(old) as callers:
        wait_for_more(callers)
        with start(tmp_path, log="next") as new:
            new.wait_for(WAITING)
            wait_for_more(callers)
            assert "answering" not in new.errors
            assert old.stop() == 0
            new.wait_until_it_answers()
            wait_for_more(callers, number=50)
            assert errors_of(callers) == []
            assert not list(tmp_path.glob("*.next"))
            first, *told, last = new.errors.splitlines(keepends=True)
            assert first == WAITING
            # who was started by APISIX may be gone before: it has a second in all
            assert len(told) == 1 or (start is spawned_process and not told)
            assert all("this one has taken it over" in line for line in told)
            assert last == f"gatepass: answering at unix:{new.path}\n"
            assert new.stop() == 0
            wait_for_more(callers, errors=1)
    assert not list(tmp_path.glob("*.sock*"))


def test_sec_41_without_counting_the_next_one_waits_for_nobody(tmp_path: Path) -> None:
    with (
        apisix_process(tmp_path, budgets=UNCOUNTED) as old,
        calling(old) as callers,
        apisix_process(tmp_path, log="next", budgets=UNCOUNTED) as new,
    ):
        new.wait_until_it_answers()
        wait_for_more(callers)
        assert old.stop() == 0
        assert new.path.exists()
        wait_for_more(callers)
        assert errors_of(callers) == []


def test_sec_41_nothing_goes_upstream_undecided_while_runners_come_and_go(tmp_path: Path) -> None:
    with apisix_process(tmp_path) as old, calling(old, READ_TIMEOUT_SECONDS) as callers:
        wait_for_more(callers)
        old.process.kill()
        old.process.wait()
        wait_for_more(callers, errors=3)
        with apisix_process(tmp_path, log="next") as new:
            new.wait_until_it_answers()
            wait_for_more(callers)
            new.process.send_signal(signal.SIGHUP)
            new.wait_for("settings reloaded")
            wait_for_more(callers)
            new.process.send_signal(signal.SIGSTOP)
            wait_for_more(callers, errors=2)
            new.process.send_signal(signal.SIGCONT)
            wait_for_more(callers)
            assert new.stop() == 0
            wait_for_more(callers, errors=3)


def test_sec_41_who_is_left_without_a_path_ends_as_a_failure(tmp_path: Path) -> None:
    """Whoever started it starts it again; APISIX would be refused for ever."""
    with apisix_process(tmp_path, budgets=UNCOUNTED) as old:
        old.wait_until_it_answers()
        with apisix_process(tmp_path, log="next", budgets=UNCOUNTED) as new:
            new.wait_until_it_answers()
            assert new.stop() == 0
        assert old.process.wait(CUT_OFF_SECONDS) == 1
        _, told = old.errors.splitlines()
        assert json.loads(told)["settings"] == ["doors.apisix.socket"]


# -- workers -----------------------------------------------------------------------------------


def test_sec_41_a_killed_worker_loses_no_request_that_another_could_serve(tmp_path: Path) -> None:
    """A request fails whose call is with it at that moment, and nothing behind it."""
    doors = doors_of(tmp_path, 3)
    with apisix_process(tmp_path, doors=doors, budgets=UNCOUNTED) as served:
        workers = ready_workers(served, 3)
        with calling(served) as callers:
            wait_for_more(callers)
            assert errors_of(callers) == []
            victim = max(workers, key=open_sockets)
            os.kill(victim, signal.SIGKILL)
            wait_for_more(callers, number=100)
            assert all(len(one.errors) <= 1 for one in callers)
            assert not any("refused" in error for error in errors_of(callers))
        served.wait_for("died")
        (line,) = [line for line in served.errors.splitlines() if "died" in line]
        assert json.loads(line)["exit"] == -signal.SIGKILL
        assert served.stop() == 0
        assert not any(is_running(pid) for pid in workers)
        assert not served.path.exists()


def test_sec_41_the_next_workers_take_over_and_no_request_fails(tmp_path: Path) -> None:
    doors = doors_of(tmp_path, 2)
    with apisix_process(tmp_path, doors=doors, budgets=UNCOUNTED) as old:
        ready_workers(old, 2)
        with (
            calling(old) as callers,
            apisix_process(tmp_path, log="next", doors=doors, budgets=UNCOUNTED) as new,
        ):
            ready_workers(new, 2)
            wait_for_more(callers)
            assert old.stop() == 0
            wait_for_more(callers, number=50)
            assert errors_of(callers) == []
            assert new.stop() == 0


def test_sec_62_spawned_workers_end_before_apisix_kills(tmp_path: Path) -> None:
    with spawned_process(tmp_path, doors={"apisix": {}, "workers": 2}, budgets=UNCOUNTED) as served:
        workers = ready_workers(served, 2)
        with calling(served) as callers:
            wait_for_more(callers)
            assert served.stop_in_time(1.0) == 0
            assert not served.path.exists()
            assert not any(is_running(pid) for pid in workers)
