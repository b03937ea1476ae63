"""Real workers on the same sockets: shared by all, lost one at a time, told and ended together."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from support.gatepass_process import Served, refused, serving
from support.gates import PRICES, rules, settings_file, token
from support.kong_process import (
    SECONDS,
    KongServed,
    ask_once,
    call,
    connected,
    hammering,
    is_running,
    kong_process,
    open_sockets,
    workers_of,
)
from support.raw_http import ask

UNCOUNTED = {"engine": "none", "prices": PRICES}


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def kong_workers(folder: Path, workers: int, **more: str) -> Iterator[KongServed]:
    doors = {"kong": {"socket": f"{folder}/kong.sock"}, "workers": workers}
    with kong_process(folder, doors=doors, budgets=UNCOUNTED, **more) as served:
        yield served


@contextmanager
def http_workers(folder: Path, workers: int, **sections: object) -> Iterator[Served]:
    with serving(folder, doors={"workers": workers}, budgets=UNCOUNTED, **sections) as served:
        eventually(lambda: len(workers_of(served.process.pid)) == workers)
        yield served


def all_workers(served: KongServed, workers: int) -> set[int]:
    """Wait until all workers are there, and return them."""
    served.wait_until_it_answers()
    eventually(lambda: len(workers_of(served.process.pid)) == workers)
    return workers_of(served.process.pid)


def ready_workers(served: KongServed, workers: int) -> set[int]:
    """Wait until all workers answer; they read the settings again no sooner."""
    there = all_workers(served, workers)
    served.process.send_signal(signal.SIGHUP)
    served.wait_for("settings reloaded", workers)
    return there


def is_open(path: Path) -> bool:
    try:
        ask_once(path)
    except OSError:
        return False
    return True


def test_sec_41_a_killed_worker_takes_only_its_own_connections_with_it(tmp_path: Path) -> None:
    with kong_workers(tmp_path, 3) as served, ExitStack() as stack:
        workers = ready_workers(served, 3)
        before = {pid: open_sockets(pid) for pid in workers}
        held = [stack.enter_context(connected(served.path)) for _ in range(24)]
        for connection in held:
            call(connection)
        accepted = {pid: open_sockets(pid) - before[pid] for pid in workers}
        assert sum(accepted.values()) == len(held)
        victim = max(workers, key=lambda pid: accepted[pid])
        with hammering(served) as hammer:
            hammer.wait_for_more()
            os.kill(victim, signal.SIGKILL)
            hammer.wait_for_more(200)
        lost = 0
        for connection in held:
            try:
                call(connection)
            except OSError:
                lost += 1
        assert lost == accepted[victim]
        assert len(hammer.failures) <= len(hammer._threads)
        assert not any("Refused" in failure for failure in hammer.failures)
        eventually(lambda: len(workers_of(served.process.pid)) == 3)
        (line,) = [line for line in served.errors.splitlines() if "died" in line]
        assert json.loads(line)["exit"] == -signal.SIGKILL
        assert served.stop() == 0


def test_all_end_together_and_the_socket_goes(tmp_path: Path) -> None:
    with kong_workers(tmp_path, 2) as served:
        workers = all_workers(served, 2)
        ask_once(served.path)
        assert served.stop() == 0
        assert not any(is_running(pid) for pid in workers)
        assert not served.path.exists()
        assert served.errors == f"gatepass: answering at unix:{served.path}\n"


def test_workers_do_not_go_on_without_their_parent(tmp_path: Path) -> None:
    with kong_workers(tmp_path, 2) as served:
        workers = all_workers(served, 2)
        served.process.kill()
        served.process.wait()
        eventually(lambda: not any(is_running(pid) for pid in workers))
        assert not is_open(served.path)
    with kong_workers(tmp_path, 2, log="next") as served:
        all_workers(served, 2)
        ask_once(served.path)


def test_sec_41_the_next_workers_take_over_while_every_call_is_answered(tmp_path: Path) -> None:
    with (
        kong_workers(tmp_path, 2) as old,
        hammering(old) as hammer,
        kong_workers(tmp_path, 2, log="next") as new,
    ):
        new.wait_until_it_answers()
        hammer.wait_for_more()
        assert old.stop() == 0
        hammer.wait_for_more()
        assert hammer.failures == []
        hammer.end()
        assert new.stop() == 0


def test_sec_41_workers_that_are_left_without_a_path_end_as_a_failure(tmp_path: Path) -> None:
    with kong_workers(tmp_path, 2) as old:
        workers = all_workers(old, 2)
        with kong_workers(tmp_path, 2, log="next") as new:
            all_workers(new, 2)
            new.process.kill()
        assert old.process.wait(6) == 1
        assert old.errors.count("reached by nobody") == 1
        assert not any(is_running(pid) for pid in workers)


def test_sec_50_a_hangup_reaches_all_workers_and_those_that_come_later(tmp_path: Path) -> None:
    with http_workers(tmp_path, 2) as served:
        doors = json.loads((tmp_path / "gatepass.yaml").read_text())["doors"]
        assert [served.ask().status for _ in range(8)] == [200] * 8
        settings_file(tmp_path, doors=doors, budgets=UNCOUNTED, profiles=rules(models=["o1"]))
        served.process.send_signal(signal.SIGHUP)
        eventually(lambda: served.errors.count("settings reloaded") == 2)
        assert [served.ask().status for _ in range(8)] == [403] * 8
        (tmp_path / "gatepass.yaml").write_text("issuers: canary-in-a-wrong-file: [")
        served.process.send_signal(signal.SIGHUP)
        served.wait_for("settings not reloaded; the old ones stay")
        for pid in workers_of(served.process.pid):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(workers_of(served.process.pid)) == 2)
        assert [served.ask().status for _ in range(8)] == [403] * 8
        assert served.errors.count("not reloaded") == 1
        assert "canary" not in served.errors
        assert served.stop() == 0


def test_sec_59_who_has_a_limit_is_refused_by_every_worker(tmp_path: Path) -> None:
    teams = {"upsert": True, "defaults": {"budget": "$100"}}
    with http_workers(tmp_path, 2, teams=teams) as served:
        assert ask(served.port, target="/readyz").status == 200
        limited = token(team="t1")
        replies = [served.ask(limited) for _ in range(6)]
        assert {reply.status for reply in replies} == {503}
        assert {json.loads(reply.body)["error"]["code"] for reply in replies} == {
            "budget_not_counted"
        }
        assert served.ask().status == 200
        assert not (tmp_path / "gatepass.db.lock").exists()


@pytest.mark.parametrize("command", ["serve", "kong"])
def test_what_keeps_workers_from_starting_is_told_once(tmp_path: Path, command: str) -> None:
    (tmp_path / "gate.db").mkdir()
    doors = {
        "http": {"listen": f"unix:{tmp_path}/http.sock"},
        "kong": {"socket": f"{tmp_path}/kong.sock"},
        "workers": 4,
    }
    stores = {"database": "sqlite:///gate.db"}
    path = settings_file(tmp_path, doors=doors, budgets=UNCOUNTED, stores=stores)
    told = refused(path, command)
    assert told.count("stores.database") == 1
    assert not list(tmp_path.glob("*.sock*"))


def test_sec_59_workers_that_would_count_apart_do_not_start(tmp_path: Path) -> None:
    told = refused(settings_file(tmp_path, doors={"workers": 2}))
    assert "doors.workers: budgets are counted in process" in told
