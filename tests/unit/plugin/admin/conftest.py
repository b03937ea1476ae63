import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.databases import upgrade_file
from support.directories import Where
from support.management import Management, open_management

if TYPE_CHECKING:
    from support.postgresql import PostgresqlProcess


@pytest.fixture(scope="session")
def managed_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("managed") / "gatepass.db"
    asyncio.run(upgrade_file(file))
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path, managed_file: Path) -> Where:
    """An empty database of the newest schema, once in a file and once on a server."""
    if request.param == "sqlite":
        return Path(shutil.copyfile(managed_file, tmp_path / "managed.db"))
    server: PostgresqlProcess = request.getfixturevalue("postgresql")
    return server.clean_database()


@pytest.fixture
async def service(where: Where, tmp_path: Path) -> AsyncIterator[Management]:
    """The management service on both kinds of stores."""
    async with open_management(where, tmp_path / "settings") as service:
        yield service


@pytest.fixture
async def in_file(tmp_path: Path, managed_file: Path) -> AsyncIterator[Management]:
    """The service on a file, for what has nothing to do with the store."""
    file = Path(shutil.copyfile(managed_file, tmp_path / "managed.db"))
    async with open_management(file, tmp_path / "settings") as service:
        yield service
