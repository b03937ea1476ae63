"""Under `make soak` all property tests and all tests with `rounds` run long, and count as soak."""

from pathlib import Path

import pytest

from support.soak import SOAKING

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


@pytest.hookimpl(tryfirst=True)  # before `-m` takes its choice
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not SOAKING:
        return
    for item in items:
        if PROPERTY in item.path.parents or item.get_closest_marker("rounds") is not None:
            item.add_marker(pytest.mark.soak)
