"""The deployment's own check of a token: a function of theirs, run in a thread, with a deadline.

It gets a copy of the claims of a verified token, so that it can change nothing that is judged. True
lets the caller pass and False refuses them; anything else, an exception, or no answer in time is a
failure of the function and never an answer. A thread that does not end cannot be stopped: it keeps
its slot, and when all are taken nobody gets an answer. Threads are daemons, so that none of them
keeps the process from ending.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from threading import Thread
from typing import Final

from gatepass.plugin.errors import CustomCheckFailed
from gatepass.plugin.functions import load_function

MAX_THREADS = 16

Check = Callable[[dict[str, object]], object]
_FAILED: Final = object()


def _start_daemon(work: Callable[[], None]) -> None:
    Thread(target=work, name="gatepass-custom-check", daemon=True).start()


class CustomCheck:
    """Asks one function about claims; `deadline_seconds` is for each answer, waiting included.

    `start` starts a thread, or raises RuntimeError when the system has no more.
    """

    __slots__ = ("_check", "_deadline_seconds", "_slots", "_start")

    def __init__(
        self,
        check: Check,
        deadline_seconds: float,
        start: Callable[[Callable[[], None]], None] = _start_daemon,
    ) -> None:
        self._check = check
        self._deadline_seconds = deadline_seconds
        self._start = start
        self._slots = asyncio.Semaphore(MAX_THREADS)

    async def refuses(self, claims: Mapping[str, object]) -> bool:
        """Return whether the function refuses the bearer of the claims.

        Raises:
            CustomCheckFailed: it does not say so.

        """
        copied = deepcopy(dict(claims))
        try:
            async with asyncio.timeout(self._deadline_seconds):
                await self._slots.acquire()
                said = await self._ask(copied)
        except TimeoutError as late:
            raise CustomCheckFailed from late
        if said is not True and said is not False:
            raise CustomCheckFailed
        return not said

    def _ask(self, claims: dict[str, object]) -> asyncio.Future[object]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[object] = loop.create_future()

        def finish(said: object) -> None:
            self._slots.release()
            if not answer.done():  # nobody waits any longer
                answer.set_result(said)

        def run() -> None:
            said = _answer(self._check, claims)
            with suppress(RuntimeError):  # the loop is closed: the process ends
                loop.call_soon_threadsafe(finish, said)

        try:
            self._start(run)
        except RuntimeError:
            finish(_FAILED)
        return answer


def _answer(check: Check, claims: dict[str, object]) -> object:
    try:
        return check(claims)
    except BaseException:  # noqa: BLE001 - foreign code: whatever it raises is no answer
        return _FAILED


def load_check(name: str) -> Check:
    """Import a function by `module:function`.

    Raises:
        ConfigurationError: there is no such module or function, or importing it fails.

    """
    return load_function(name, "checks.custom")
