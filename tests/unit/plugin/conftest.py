import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.databases import upgrade_file
from support.directories import Where

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess


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


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest) -> Where:
    """An empty database of the newest schema, once in a file and once on a server."""
    if request.param == "sqlite":
        file: Path = request.getfixturevalue("file")
        return file
    server: PostgresqlProcess = request.getfixturevalue("postgresql")
    return server.clean_database()
