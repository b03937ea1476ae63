"""Telling the other processes which rows have changed, by publish and subscribe of a Redis.

One channel for each deployment, `DEPLOYMENT:changes`. A message is a version, the sender, and the
names of rows (notices.py), or none at all, which stands for every row. It is not signed: whoever
can publish there can make processes read rows again, and nothing else. What cannot be read counts
as every row.

A notice may be missed: while a process is not connected, or when the server drops it. So whenever a
process is connected (again), everything that it remembers is read again; until then the usual life
of what is remembered is the bound, as without Redis. What could not be published is kept for as
long as somebody may remember what it speaks of. Nothing here makes a request wait.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gatepass.plugin.callers import PRINCIPALS_TTL_SECONDS
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.notices import ROW_BYTES, Row, rows_changed
from gatepass.plugin.settings.redis_url import ENCRYPTED

CONNECT_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 2.0
"""How long the server may take to answer, and how often it is asked whether it is still there."""

MIN_WAIT_SECONDS: Final = 0.1
MAX_WAIT_SECONDS: Final = 5.0
"""Between two attempts to connect; doubled from the one to the other."""

MAX_ROWS: Final = 1_000
"""More changes than this at once count as every row."""

_VERSION = b"\x01"
_SENDER_BYTES = 8
_FAILURES = (RedisError, OSError, TimeoutError)

_log = logging.getLogger("gatepass.directory")


def channel_of(deployment: str) -> str:
    """Return the name of the channel."""
    return f"{deployment}:changes"


def to_message(sender: bytes, rows: Sequence[Row]) -> bytes:
    """Return a message about these rows; about every row if there are none or too many."""
    return _VERSION + sender + (b"".join(rows) if len(rows) <= MAX_ROWS else b"")


def read_message(content: bytes) -> tuple[bytes, tuple[Row, ...] | None]:
    """Return the sender and the rows; None stands for every row."""
    start = len(_VERSION) + _SENDER_BYTES
    sender, names = content[len(_VERSION) : start], content[start:]
    readable = content[: len(_VERSION)] == _VERSION and len(sender) == _SENDER_BYTES
    if not readable or not names or len(names) % ROW_BYTES or len(names) > MAX_ROWS * ROW_BYTES:
        return (sender if readable else b""), None
    return sender, tuple(names[at : at + ROW_BYTES] for at in range(0, len(names), ROW_BYTES))


class Broadcast:
    """The connection of one process; `publish` never waits, `run` serves it until it is cancelled.

    `heard` gets the rows that others have changed, None for all; `doubt` is called when notices may
    have been missed.
    """

    def __init__(
        self,
        url: str,
        deployment: str,
        heard: Callable[[Iterable[Row] | None], None],
        doubt: Callable[[], None],
    ) -> None:
        self._redis = redis_client(url)
        self._channel = channel_of(deployment)
        self._sender = secrets.token_bytes(_SENDER_BYTES)
        self._heard = heard
        self._doubt = doubt
        self._unsent: dict[Row, float] = {}
        self._something = asyncio.Event()
        self._said_away = False
        self.connected = False

    def publish(self, changes: Sequence[Changed]) -> None:
        """Tell the others soon, or, while the server is away, as soon as it is back."""
        until = asyncio.get_running_loop().time() + PRINCIPALS_TTL_SECONDS
        for row in rows_changed(changes):
            if len(self._unsent) <= MAX_ROWS:  # more are every row in any case
                self._unsent[row] = until
        self._something.set()

    async def run(self) -> None:
        """Listen and publish for ever, over as many connections as it takes."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._listen_always())
                    group.create_task(self._send_always())
            except* Exception as bugs:  # noqa: BLE001 - outermost: the next notice must be heard
                kinds = sorted({type(bug).__name__ for bug in bugs.exceptions})
                _log.error("internal fault while telling of changes", extra={"fault": kinds})
            self.connected = False
            await asyncio.sleep(MAX_WAIT_SECONDS)

    async def close(self) -> None:
        """Say what is still unsaid, if that is possible at once, and hang up."""
        with suppress(*_FAILURES):
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._send()
        with suppress(*_FAILURES):
            await self._redis.aclose()

    async def _listen_always(self) -> None:
        wait = MIN_WAIT_SECONDS
        while True:
            try:
                await self._listen()
            except _FAILURES as failure:
                _notice_cancellation()
                if not self._said_away:
                    self._said_away = True
                    _log.warning("not connected to Redis", extra={"fault": type(failure).__name__})
            wait = MIN_WAIT_SECONDS if self.connected else min(wait * 2, MAX_WAIT_SECONDS)
            self.connected = False
            await asyncio.sleep(wait)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as subscription:
            await subscription.subscribe(self._channel)
            asked = False
            while True:
                message = await subscription.get_message(timeout=ANSWER_SECONDS)
                if message is None:
                    _notice_cancellation()
                    if asked:
                        raise TimeoutError
                    await subscription.ping()
                    asked = True
                    continue
                asked = False
                if message["type"] == "subscribe":
                    self.connected, self._said_away = True, False
                    self._doubt()
                    _log.info("connected to Redis")
                elif message["type"] == "message":
                    self._hear(message["data"])

    def _hear(self, content: bytes) -> None:
        sender, rows = read_message(content)
        if sender != self._sender:
            self._heard(rows)

    async def _send_always(self) -> None:
        wait = MIN_WAIT_SECONDS
        while True:
            await self._something.wait()
            self._something.clear()
            try:
                await self._send()
                wait = MIN_WAIT_SECONDS
            except _FAILURES:
                _notice_cancellation()
                self._something.set()
                await asyncio.sleep(wait)
                wait = min(wait * 2, MAX_WAIT_SECONDS)

    async def _send(self) -> None:
        now = asyncio.get_running_loop().time()
        rows = [row for row, until in self._unsent.items() if now < until]
        if rows:
            await self._redis.publish(self._channel, to_message(self._sender, rows))
        for row in rows:
            self._unsent.pop(row, None)


def _notice_cancellation() -> None:
    """Go if we are told to: redis-py may take a cancellation for the end of its own waiting."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def tell_services(url: str | None, deployment: str, changes: Sequence[Changed]) -> bool:
    """Tell all processes of a deployment what a command has changed; answer whether that worked.

    Without Redis, or while it is away, they notice within the life of what they remember.
    """
    if url is None or not changes:
        return url is not None
    redis = redis_client(url)
    try:
        async with asyncio.timeout(CONNECT_SECONDS + ANSWER_SECONDS):
            sender = secrets.token_bytes(_SENDER_BYTES)
            message = to_message(sender, rows_changed(changes))
            await redis.publish(channel_of(deployment), message)
    except _FAILURES:
        return False
    finally:
        with suppress(*_FAILURES):
            await redis.aclose()
    return True


def redis_client(url: str) -> "Redis":
    """Return a client of the server; nothing is connected to before it is asked something.

    An encrypted server must show a certificate for its name.
    """
    redis = Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )
    if url.startswith(f"{ENCRYPTED}://"):
        # older releases look at no name unless they are told to
        redis.connection_pool.connection_kwargs |= {
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
        }
    return redis
