"""The way to the Redis or Valkey of a URL: a connection that is made anew when it is lost.

While the server is away, everybody is told so at once, and it is tried again in the background.
Every new connection says who it is, chooses its database and loads the scripts. A node of a cluster
that does not have our slot names the one that does, and the link moves there with everything. A
replica that was asked by mistake is left. No answer of a server, and no account, is written down.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import unquote, urlsplit

import hiredis

from gatepass.plugin.budgets.redis.connection import Connection, ConnectionLost, Reply, Word
from gatepass.plugin.budgets.redis.scripts import SCRIPTS, Script
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.settings.redis_url import DEFAULT_PORT, ENCRYPTED

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0
_MAX_HOPS = 3
_WRONG_NODE = ("READONLY", "MASTERDOWN", "UNBLOCKED")

_log = logging.getLogger("gatepass.budgets")


class RedisLink:
    """The link to the server of a URL; nobody waits longer for anything than `timeout_seconds`."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._home = parts.hostname or "", parts.port or DEFAULT_PORT
        self._node = self._home
        self._tls = ssl.create_default_context() if parts.scheme == ENCRYPTED else None
        account = [unquote(text) for text in (parts.username, parts.password) if text]
        self._hello: list[tuple[Word, ...]] = [("AUTH", *account)] if account else []
        if number := parts.path.strip("/"):
            self._hello.append(("SELECT", number))
        self._hello += [("SCRIPT", "LOAD", script.text) for script in SCRIPTS]
        self._timeout = timeout_seconds
        self._failures = 0
        self._up = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self.connection: Connection | None = None
        """What is there to send on now; None while there is none."""

    async def open(self) -> None:
        """Begin to connect, and wait for the first try.

        Raises:
            StoreUnavailable: it failed; it goes on.

        """
        self._keeper = asyncio.get_running_loop().create_task(self._keep())
        await self.connected()

    async def close(self) -> None:
        """Let go of the server."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        if self.connection is not None:
            self.connection.abort()
            self.connection = None

    async def connected(self) -> Connection:
        """Return the connection; right after a loss, wait for one try.

        Raises:
            StoreUnavailable: the server is away.

        """
        if self.connection is None and not self._failures and self._keeper is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._up.wait(), self._timeout)
        if self.connection is None:
            raise StoreUnavailable
        return self.connection

    async def run(self, script: Script, keys: Sequence[bytes], arguments: Sequence[Word]) -> Reply:
        """Return what a script answers.

        Raises:
            StoreUnavailable: it may or may not have been done.

        """
        words = (b"EVALSHA", script.digest, len(keys), *keys, *arguments)
        connection = self.connection or await self.connected()
        try:
            reply = await connection.send(words)
        except ConnectionLost as lost:
            raise StoreUnavailable from lost
        if type(reply) is hiredis.ReplyError:
            return await self._again(connection, (b"EVAL", script.text, *words[2:]), reply)
        return reply

    async def ask(self, *words: Word) -> Reply:
        """Return the answer to a command.

        Raises:
            StoreUnavailable: there is none.

        """
        connection = self.connection or await self.connected()
        try:
            reply = await connection.send(words)
        except ConnectionLost as lost:
            raise StoreUnavailable from lost
        if type(reply) is hiredis.ReplyError:
            return await self._again(connection, words, reply)
        return reply

    async def _again(
        self, connection: Connection, words: tuple[Word, ...], error: hiredis.ReplyError
    ) -> Reply:
        """Ask once more where an error says that it was not done, and could be."""
        for _ in range(_MAX_HOPS):
            kind, *rest = str(error).split()
            if kind == "MOVED":
                self._move(connection, rest[-1])
            elif kind in _WRONG_NODE:
                connection.abort()
            elif kind != "NOSCRIPT":
                _log.error("Redis refuses", extra={"kind": kind if kind.isalpha() else "error"})
                raise StoreUnavailable
            connection = await self.connected()
            try:
                reply = await connection.send(words)
            except ConnectionLost as lost:
                raise StoreUnavailable from lost
            if type(reply) is not hiredis.ReplyError:
                return reply
            error = reply
        raise StoreUnavailable

    def _move(self, connection: Connection, node: str) -> None:
        host, _, port = node.rpartition(":")
        if connection is self.connection and port.isdecimal():
            self._node = host or self._home[0], int(port)
            self.connection = None
            self._up.clear()
            connection.abort()

    async def _keep(self) -> None:
        """Connect, wait for the loss, connect again."""
        while True:
            try:
                async with asyncio.timeout(self._timeout):
                    connection = await self._connect()
            except (OSError, TimeoutError, ConnectionLost, hiredis.HiredisError) as error:
                if not self._failures:
                    _log.warning("Redis is away", extra={"fault": type(error).__name__})
                self._failures += 1
                self._node = self._home
                self._up.set()  # nobody waits any longer
                pause = _FIRST_PAUSE_SECONDS * 2 ** min(self._failures - 1, 10)
                await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))
                continue
            self._failures = 0
            self.connection = connection
            self._up.set()
            await connection.lost
            self.connection = None
            self._up.clear()

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(loop, self._timeout), *self._node, ssl=self._tls
        )
        try:
            answers = await asyncio.gather(*map(connection.send, self._hello))
            _check(answers)
        except BaseException:
            connection.abort()
            raise
        return connection


def _check(answers: Sequence[Reply]) -> None:
    for answer in answers:
        if isinstance(answer, hiredis.ReplyError):
            raise answer
