import asyncio
import shutil
from pathlib import Path

import pytest

from gatepass.plugin.directory.schema import upgrade_file


@pytest.fixture
def new_file(tmp_path: Path) -> Path:
    """Where a database may be made."""
    return tmp_path / "gatepass.db"


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "gatepass.db"
    asyncio.run(upgrade_file(file))
    return file


@pytest.fixture
def file(new_file: Path, migrated: Path) -> Path:
    """An empty database of the newest schema."""
    shutil.copyfile(migrated, new_file)
    return new_file
