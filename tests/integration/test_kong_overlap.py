"""Requests that go on while real servers come, go, hang and die: never one that nobody decided on.

Each caller is a worker of Kong's that asks again and again; half of them have a token, and all of
them claim to be somebody else. A request that goes upstream must carry its own caller's identity,
and any other must end in 401 or in an error.
"""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from support.gates import chat_body, token
from support.kong.request import ClientRequest
from support.kong.results import Answered
from support.kong.worker import KongWorker
from support.kong_process import SECONDS, KongServed, kong_process

READ_TIMEOUT_SECONDS = 0.15
BEFORE_ASKING_AGAIN_SECONDS = 0.002
FORGED = (("X-Gatepass-User", "admin"), ("X_Gatepass_User", "admin"), ("X-Consumer-Id", "admin"))
Outcome = Literal["served", "no token", "error"]


@dataclass
class Caller:
    """Asks one server after the other at a path, and notes what came of it."""

    path: Path
    name: str
    has_token: bool
    seen: dict[Outcome, int] = field(
        default_factory=lambda: {"served": 0, "no token": 0, "error": 0}
    )
    wrong: list[str] = field(default_factory=list)

    def ask_until(self, over: threading.Event) -> None:
        body = chat_body()
        bearer = f"Bearer {token(sub=self.name, user=self.name).decode()}"
        headers = (
            ("Host", "api.example.test"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            *FORGED,
            *((("Authorization", bearer),) if self.has_token else ()),
        )
        request = ClientRequest("POST", "/v1/chat/completions", headers, body)
        with KongWorker(
            self.path, read_timeout=READ_TIMEOUT_SECONDS, most_attempts=2000, transcript=False
        ) as kong:
            while not over.is_set():
                try:
                    self._ask(kong, request)
                except Exception as error:  # noqa: BLE001 - a thread would take it with it
                    self.wrong.append(repr(error))
                    return

    def _ask(self, kong: KongWorker, request: ClientRequest) -> None:
        exchange = kong.handle(request)
        outcome = exchange.result
        if isinstance(outcome, Answered):
            # an event that is repeated after the token was taken away finds none
            self.seen["no token" if outcome.status == 401 else "error"] += 1
            if outcome.status not in {401, 500, 503}:
                self.wrong.append(f"answered {outcome.status}")
            if outcome.status != 401:
                time.sleep(BEFORE_ASKING_AGAIN_SECONDS)
            return
        sent = outcome.request
        told = {name: sent.values(name.lower()) for name, _ in FORGED}
        marker = str(exchange.state.shared.get("gatepass"))
        self.seen["served"] += 1
        if not self.has_token or told["X-Gatepass-User"] != [self.name]:
            self.wrong.append(f"upstream as {told['X-Gatepass-User']}")
        if told["X_Gatepass_User"] or "admin" in told["X-Consumer-Id"]:
            self.wrong.append("upstream with what the client claims")
        if not marker.startswith("v1:"):
            self.wrong.append("upstream without the marker")


def wait_for_more(callers: Sequence[Caller], *, errors: int = 0) -> None:
    """Wait until every caller got ten more of the answers that are its due, or so many errors."""
    due: list[tuple[Caller, Outcome, int]] = []
    for one in callers:
        own: Outcome = "served" if one.has_token else "no token"
        outcome: Outcome = "error" if errors else own
        due.append((one, outcome, one.seen[outcome] + (errors or 10)))
    deadline = time.monotonic() + SECONDS
    while any(one.seen[outcome] < number for one, outcome, number in due):
        assert time.monotonic() < deadline, [(one.name, one.seen) for one in callers]
        assert not any(one.wrong for one in callers), [one.wrong for one in callers]
        time.sleep(0.005)


@contextmanager
def calling(served: KongServed) -> Iterator[Sequence[Caller]]:
    """Ask on six threads, from the server's readiness to the end of the block."""
    served.wait_until_it_answers()
    callers = [Caller(served.path, f"user-{one}", has_token=one % 2 == 0) for one in range(6)]
    over = threading.Event()
    threads = [threading.Thread(target=one.ask_until, args=(over,)) for one in callers]
    for thread in threads:
        thread.start()
    try:
        yield callers
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert [one.wrong for one in callers] == [[]] * len(callers)
    assert not any(one.seen["served"] for one in callers if not one.has_token)


def test_sec_41_nothing_goes_upstream_undecided_while_servers_come_and_go(tmp_path: Path) -> None:
    with kong_process(tmp_path) as old, calling(old) as callers:
        wait_for_more(callers)
        with kong_process(tmp_path, log="next") as new:
            new.wait_for("waiting")
            wait_for_more(callers)
            assert old.stop() == 0
            new.wait_until_it_answers()
            wait_for_more(callers)
            new.process.kill()
            new.process.wait()
            wait_for_more(callers, errors=3)
        with kong_process(tmp_path, log="third") as third:
            third.wait_until_it_answers()
            wait_for_more(callers)
            third.process.send_signal(signal.SIGHUP)
            third.wait_for("settings reloaded")
            wait_for_more(callers)
            third.process.send_signal(signal.SIGSTOP)
            wait_for_more(callers, errors=2)
            third.process.send_signal(signal.SIGCONT)
            wait_for_more(callers)
            assert third.stop() == 0
            wait_for_more(callers, errors=3)
