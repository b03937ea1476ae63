"""The parent of the workers: whom it starts, replaces, tells and ends."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from support.supervised import SECONDS, supervised


def test_all_work_and_all_end(tmp_path: Path) -> None:
    with supervised(tmp_path) as parent:
        workers = parent.wait_for_workers(3)
        assert parent.stop() == 0
        assert sorted(parent.pids("SIGTERM")) == sorted(workers)
        assert parent.reports.count(["ready"]) == 1
        assert parent.reports.index(["leaving"]) < min(
            parent.reports.index(["SIGTERM", str(worker)]) for worker in workers
        )
        assert parent.errors == []


def test_what_keeps_the_first_from_starting_is_told_once_and_ends_the_whole(
    tmp_path: Path,
) -> None:
    with supervised(tmp_path, "unusable") as parent:
        assert parent.process.wait(SECONDS) == 2
        assert len(parent.pids()) == 1
        assert parent.errors == ["gatepass: stores.database: cannot be written"]


def test_a_later_worker_that_cannot_start_ends_the_whole_too(tmp_path: Path) -> None:
    with supervised(tmp_path, "later unusable", workers=2) as parent:
        assert parent.process.wait(SECONDS) == 2
        assert len(parent.pids()) == 2
        assert len(parent.pids("SIGTERM")) == 1


def test_a_killed_worker_is_replaced_and_told_of_in_one_line(tmp_path: Path) -> None:
    with supervised(tmp_path) as parent:
        victim, *others = parent.wait_for_workers(3)
        os.kill(victim, signal.SIGKILL)
        *_, successor = parent.wait_for_workers(4)
        (line,) = parent.errors
        told = json.loads(line)
        assert (told["worker"], told["exit"], told["next_in_seconds"]) == (1, -9, 0)
        assert parent.stop() == 0
        assert sorted(parent.pids("SIGTERM")) == sorted([*others, successor])
        assert len(parent.errors) == 1


def test_sec_60_a_bug_in_a_worker_is_told_by_its_type(tmp_path: Path) -> None:
    with supervised(tmp_path, "faulty once", workers=1) as parent:
        parent.wait_for_workers(2)
        fault, death = (json.loads(line) for line in parent.errors)
        assert fault["fault"] == "RuntimeError"
        assert death["exit"] == 1
        assert not any("canary" in line for line in parent.errors)
        assert parent.stop() == 0


def test_who_dies_again_and_again_is_started_more_and_more_slowly(tmp_path: Path) -> None:
    with supervised(tmp_path, "faulty", workers=8) as parent:
        parent.wait_for(lambda: len(parent.pids()) == 4)
        deaths = [json.loads(line) for line in parent.errors if "next_in_seconds" in line]
        assert [death["next_in_seconds"] for death in deaths[:3]] == [0, 0.1, 0.2]
        assert {death["worker"] for death in deaths} == {1}
        assert parent.stop() == 0
        assert ["ready"] not in parent.reports


@pytest.mark.parametrize(("kind", "hears"), [("steady", 3), ("unreloadable", 0)])
def test_a_hangup_reaches_all_or_nobody(tmp_path: Path, kind: str, hears: int) -> None:
    with supervised(tmp_path, kind) as parent:
        workers = parent.wait_for_workers(3)
        parent.process.send_signal(signal.SIGHUP)
        parent.wait_for(lambda: len(parent.pids("SIGHUP")) == hears)
        assert parent.stop() == 0
        assert sorted(parent.pids("SIGHUP")) == sorted(workers)[:hears]


def test_who_takes_too_long_to_end_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path, "stubborn", workers=2) as parent:
        workers = parent.wait_for_workers(2)
        began = time.monotonic()
        assert parent.stop() == 0
        assert time.monotonic() - began < 2
        assert sorted(parent.pids("SIGTERM")) == sorted(workers)
        for worker in workers:
            with pytest.raises(ProcessLookupError):
                os.kill(worker, 0)


def test_workers_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    with supervised(tmp_path) as parent:
        workers = parent.wait_for_workers(3)
        parent.process.kill()
        parent.wait_for(lambda: sorted(parent.pids("orphaned")) == sorted(workers))


def test_it_can_be_ended_before_anybody_is_ready(tmp_path: Path) -> None:
    with supervised(tmp_path, "faulty", workers=2) as parent:
        parent.wait_for(lambda: bool(parent.pids()))
        assert parent.stop() == 0
        assert ["leaving"] in parent.reports


def test_all_end_as_a_failure_when_nobody_gets_to_them(tmp_path: Path) -> None:
    with supervised(tmp_path, "cut off") as parent:
        workers = parent.wait_for_workers(3)
        assert parent.process.poll() is None
        (tmp_path / "cut").touch()
        assert parent.process.wait(SECONDS) == 1
        assert sorted(parent.pids("SIGTERM")) == sorted(workers)
        assert ["leaving"] in parent.reports


def test_a_machine_without_a_process_to_spare_is_asked_again(tmp_path: Path) -> None:
    with supervised(tmp_path, "crowded", workers=2) as parent:
        parent.wait_for_workers(2)
        (line,) = parent.errors
        assert json.loads(line)["event"] == "a worker cannot be started"
        assert parent.stop() == 0
