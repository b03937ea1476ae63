"""What all tests share: the real PostgreSQL and Valkey, and the long runs.

Under `make soak` all property tests and all tests with `rounds` run long, and count as soak.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.soak import SOAKING

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess
    from support.valkey import ValkeyProcess

PROPERTY = Path(__file__).parent / "property"


@pytest.hookimpl(tryfirst=True)  # before pytest makes its own folder
def pytest_configure(config: pytest.Config) -> None:
    """Give each worker of pytest-xdist a folder with a short path: a socket's has 107 octets."""
    if hasattr(config, "workerinput"):
        config.option.basetemp = tempfile.mkdtemp(prefix="gatepass-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        shutil.rmtree(config.option.basetemp, ignore_errors=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    rounds = metafunc.definition.get_closest_marker("rounds")
    if SOAKING and rounds is not None:
        metafunc.fixturenames.append("soak_round")
        metafunc.parametrize("soak_round", range(*rounds.args), indirect=True)


@pytest.fixture
def soak_round(request: pytest.FixtureRequest) -> int:
    """Repeat a test, each time with fresh fixtures."""
    number: int = request.param
    return number


@pytest.fixture(scope="session")
def postgresql() -> Iterator["PostgresqlProcess"]:
    """One server for all tests that do not kill it."""
    from support.postgresql import postgresql_process  # noqa: PLC0415 - few runs need a server

    with postgresql_process() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server() -> Iterator["ValkeyProcess"]:
    """One server for all tests that do not kill it."""
    from support.valkey import valkey_process  # noqa: PLC0415 - few runs need a server

    with valkey_process() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: "ValkeyProcess") -> "ValkeyProcess":
    """Return the server with nothing in it."""
    valkey_server.clear()
    return valkey_server


@pytest.hookimpl(tryfirst=True)  # before `-m` takes its choice
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not SOAKING:
        return
    for item in items:
        if PROPERTY in item.path.parents or item.get_closest_marker("rounds") is not None:
            item.add_marker(pytest.mark.soak)
