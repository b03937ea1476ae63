from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory.sqlite import WRITING, database_path, prepare


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///gatepass.db", "gatepass.db"),
        ("sqlite:////var/lib/gatepass.db", "/var/lib/gatepass.db"),
        ("sqlite:///with space/ü.db", "with space/ü.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    assert database_path(url) == Path(path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gatepass.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=ro",
        "sqlite:///x.db?timeout=1",
        "sqlite://host/x.db",
        "sqlite+aiosqlite:///x.db",
        "postgresql://user:s3cret@db/x",
    ],
)
def test_a_url_that_names_no_file_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"stores\.database") as caught:
        database_path(url)
    assert "s3cret" not in str(caught.value)


def test_every_connection_is_prepared(new_file: Path) -> None:
    engine = prepare(create_engine(f"sqlite:///{new_file}"))
    with engine.connect() as connection:
        values = [
            connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("foreign_keys", "journal_mode", "synchronous", "busy_timeout")
        ]
    engine.dispose()
    assert values == [1, "wal", 1, 2_000]


def test_a_writer_takes_the_lock_when_it_begins_and_a_reader_never(new_file: Path) -> None:
    engine = prepare(create_engine(f"sqlite:///{new_file}"))
    writer = engine.execution_options(**WRITING)
    with writer.begin() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
    with writer.begin(), engine.connect() as reader:
        assert reader.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
        with writer.connect() as other:
            other.connection.cursor().execute("PRAGMA busy_timeout = 0")
            with pytest.raises(OperationalError, match="locked"):
                other.begin()
    engine.dispose()
