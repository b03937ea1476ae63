"""One upstream and one decision service for all gateways, and folders that they may run in."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.echo import EchoUpstream, echo_upstream
from support.gatepass_service import USAGE_TOKEN, Service, running_service
from support.servers import FolderFactory


@pytest.fixture(scope="session")
def folders() -> Iterator[FolderFactory]:
    """Give new folders that nginx's workers, who are nobody, may enter; pytest's are closed."""
    made: list[Path] = []

    def new_folder() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="gatepass-test-")))
        made[-1].chmod(0o755)
        return made[-1]

    yield new_folder
    for folder in made:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def upstream() -> Iterator[EchoUpstream]:
    with echo_upstream() as running:
        yield running


@pytest.fixture(scope="session")
def service(folders: FolderFactory) -> Iterator[Service]:
    with running_service(folders(), USAGE_TOKEN) as running:
        yield running
        assert running.faults == 0
