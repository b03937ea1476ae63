"""What all tests share: the real PostgreSQL, and the long runs.

Under `make soak` all property tests and all tests with `rounds` run long, and count as soak.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.soak import SOAKING

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess

PROPERTY = Path(__file__).parent / "property"


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


@pytest.hookimpl(tryfirst=True)  # before `-m` takes its choice
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not SOAKING:
        return
    for item in items:
        if PROPERTY in item.path.parents or item.get_closest_marker("rounds") is not None:
            item.add_marker(pytest.mark.soak)
