"""Calls to the runner with all that is around them: connections, tokens, numbers and tries.

1. A connection is taken first; a token that is not known is asked for on a second one, by one
   caller at a time while the others wait.
2. An unknown token drops all tokens, and everything is done again: three tries in all.
3. Every error closes the connection.
"""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from support.apisix.connection import Connection, Pool
from support.apisix.errors import TokenRefused
from support.apisix.messages import Message, Prepare, Prepared
from support.apisix.request import Conf
from support.apisix.rpc import Ask, ask, no_questions
from support.kong.connection import Transcript

MOST_TRIES = 3
_NUMBERS = 1 << 22
Answer = TypeVar("Answer", bound=Message)
_Result = TypeVar("_Result")
Make = Callable[[int, int], Message]
"""Makes a call of its number and its token."""


class Caller:
    """What one nginx worker knows of the runner at `path`."""

    def __init__(
        self, path: Path | str, read_timeout: float, transcript: Transcript, worker: int
    ) -> None:
        self._pool = Pool(str(path), read_timeout, transcript)
        self.tokens: dict[str, int] = {}
        """The tokens by the keys of their configurations."""
        self._preparing = threading.Lock()
        self._first_number = worker * _NUMBERS
        self._numbers = itertools.count()

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def call(
        self, key: str, conf: Conf, make: Make, expected: type[Answer], questions: Ask
    ) -> Answer:
        """Return the answer. Raises CallFailed or LuaError."""

        def once(connection: Connection) -> Answer:
            token = self._token(key, conf)
            number = self._first_number + next(self._numbers) % _NUMBERS
            return ask(connection, make(number, token), expected, questions)

        tries = itertools.count(1)
        while True:
            try:
                return self._with_connection(once)
            except TokenRefused:
                self.tokens.clear()
                if next(tries) == MOST_TRIES:
                    raise

    def _token(self, key: str, conf: Conf) -> int:
        token = self.tokens.get(key)
        if token is not None:
            return token
        entries = tuple((name.encode(), value.encode()) for name, value in conf)

        def prepare(connection: Connection) -> int:
            with self._preparing:
                if key not in self.tokens:
                    said = ask(connection, Prepare(entries, key.encode()), Prepared, no_questions)
                    self.tokens[key] = said.conf_token
                    return said.conf_token
                return self.tokens[key]

        return self._with_connection(prepare)

    def _with_connection(self, use: Callable[[Connection], _Result]) -> _Result:
        connection = self._pool.take()
        try:
            result = use(connection)
        except BaseException:
            connection.close()
            raise
        self._pool.give_back(connection)
        return result
