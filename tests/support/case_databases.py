"""Where a case of a corpus keeps its rows: a file of its own, or a database of a server.

The runners start the adapters in a process of their own; the variable tells them which server.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

SERVER = "GATEPASS_CASES_ON_POSTGRESQL"
"""The variable with the URL of a database of the server, on which databases can be made."""


@contextmanager
def case_database(folder: Path) -> Iterator[str]:
    """Give the URL of a database that nothing is in; it is gone afterwards."""
    server = os.environ.get(SERVER)
    if server is None:
        yield f"sqlite:///{folder}/gatepass.db"
        return
    from support.postgresql import TEMPLATE, query_postgresql  # noqa: PLC0415 - few runs need one

    name = f"case_{uuid4().hex}"
    query_postgresql(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        query_postgresql(server, f"DROP DATABASE {name} WITH (FORCE)")
