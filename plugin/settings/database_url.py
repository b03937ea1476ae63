"""The address of the database, as far as it can be judged without asking there."""

import re

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.values import to_text

POSTGRESQL = "postgresql://"
SQLITE = "sqlite:///"

_FILE = re.compile(rf"{SQLITE}(?!:|file:)[^?#%]+")
_POSSIBLE = (
    "only sqlite:///PATH is possible, without options and not in memory, "
    "or postgresql://USER:PASSWORD@HOST:PORT/NAME"
)


def to_database_url(value: object) -> str:
    """Return the URL of a SQLite file or of a database of a PostgreSQL server."""
    url = to_text(value)
    if url.startswith(POSTGRESQL):
        _check_server(url)
    elif not _FILE.fullmatch(url):
        raise BadValue(_POSSIBLE)
    return url


def _check_server(url: str) -> None:
    from gatepass.plugin.directory.postgresql import (  # noqa: PLC0415 - SQLAlchemy is slow to load
        read_url,
    )

    try:
        read_url(url)
    except ConfigurationError as wrong:
        sentences = [problem.removeprefix("stores.database: ") for problem in wrong.problems]
        raise BadValue(*sentences) from wrong
