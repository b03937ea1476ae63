"""Clients of one nginx worker of APISIX, which ask a real runner again and again.

Half of them have a token, and all claim to be somebody else.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from support.apisix.request import ClientRequest
from support.apisix.results import Answered, Exchange
from support.apisix.worker import ApisixWorker
from support.apisix_process import ApisixServed
from support.gates import chat_body, token
from support.kong_process import SECONDS

BEFORE_ASKING_AGAIN_SECONDS = 0.002
FORGED = (("X-Gatepass-User", "admin"), ("X_Gatepass_User", "admin"))
Outcome = Literal["served", "no token", "error"]


@dataclass
class Caller:
    """A client that asks again and again and claims to be somebody else, and what came of it."""

    name: str
    has_token: bool
    seen: dict[Outcome, int] = field(
        default_factory=lambda: {"served": 0, "no token": 0, "error": 0}
    )
    errors: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def due(self) -> Outcome:
        """The answer that it should get."""
        return "served" if self.has_token else "no token"

    def ask_until(self, over: threading.Event, apisix: ApisixWorker) -> None:
        while not over.is_set():
            try:
                self.ask(apisix)
            except Exception as error:  # noqa: BLE001 - a thread would take it with it
                self.wrong.append(repr(error))
                return

    def ask(self, apisix: ApisixWorker) -> None:
        """Ask once, and note what came of it."""
        self._note(apisix.handle(self._request))

    @cached_property
    def _request(self) -> ClientRequest:
        body = chat_body()
        bearer = f"Bearer {token(sub=self.name, user=self.name).decode()}"
        headers = (
            ("Host", "api.example.test"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            *FORGED,
            *((("Authorization", bearer),) if self.has_token else ()),
        )
        return ClientRequest("POST", "/v1/chat/completions", headers, body)

    def _note(self, exchange: Exchange) -> None:
        outcome = exchange.result
        if isinstance(outcome, Answered):
            if outcome.status == 401:
                self.seen["no token"] += 1
                return
            self.seen["error"] += 1
            self.errors += exchange.errors or [f"answered {outcome.status}"]
            time.sleep(BEFORE_ASKING_AGAIN_SECONDS)
            return
        self.seen["served"] += 1
        if not outcome.is_decided:
            self.wrong.append("upstream undecided")
        elif not self.has_token or outcome.request.values("x-gatepass-user") != [self.name]:
            self.wrong.append("upstream as somebody else")
        if outcome.request.values("x_gatepass_user") or outcome.request.values("authorization"):
            self.wrong.append("upstream with what the client claims")


def wait_for_more(callers: Sequence[Caller], *, number: int = 10, errors: int = 0) -> None:
    """Wait until every caller got so many more of the answers that are its due, or of errors."""
    due: list[tuple[Caller, Outcome, int]] = []
    for one in callers:
        outcome: Outcome = "error" if errors else one.due
        due.append((one, outcome, one.seen[outcome] + (errors or number)))
    deadline = time.monotonic() + SECONDS
    while any(one.seen[outcome] < enough for one, outcome, enough in due):
        assert time.monotonic() < deadline, [one.seen for one in callers]
        assert not any(one.wrong for one in callers)
        time.sleep(0.001)


@contextmanager
def calling(
    served: ApisixServed, read_timeout: float = SECONDS, clients: int = 6
) -> Iterator[Sequence[Caller]]:
    """Ask through one nginx worker, from the runner's readiness to the end of the block.

    Every other client has a token. None may ever get upstream but as itself.
    """
    served.wait_until_it_answers()
    callers = [Caller(f"user-{one}", has_token=one % 2 == 0) for one in range(clients)]
    over = threading.Event()
    with ApisixWorker(served.path, read_timeout=read_timeout, transcript=False) as apisix:
        threads = [threading.Thread(target=one.ask_until, args=(over, apisix)) for one in callers]
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


def errors_of(callers: Sequence[Caller]) -> list[str]:
    """Return why requests failed, as APISIX's log tells it."""
    return [error for one in callers for error in one.errors]


def ask_once(path: Path) -> None:
    """Ask with a token and without one; each gets what is its due."""
    with ApisixWorker(path, transcript=False) as apisix:
        for one in (Caller("ann", has_token=True), Caller("eve", has_token=False)):
            one.ask(apisix)
            assert (one.seen[one.due], one.errors, one.wrong) == (1, [], [])
