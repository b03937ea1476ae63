from collections.abc import AsyncIterator

import pytest

from gatepass.plugin.directory.database import Database
from support.directories import Where, url_of


@pytest.fixture
async def database(where: Where) -> AsyncIterator[Database]:
    """An open database, once in a file and once on a server."""
    database = Database(url_of(where))
    await database.open()
    yield database
    await database.close()
