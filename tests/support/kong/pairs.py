"""A KongWorker and the scripted plugin server behind it, for the length of a block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.kong.scripted import Serve, scripted_server
from support.kong.worker import KongWorker


@contextmanager
def kong_with(
    folder: Path, serve: Serve, new_worker: Callable[[Path], KongWorker] = KongWorker
) -> Iterator[KongWorker]:
    """Run a scripted server and give a Kong before it."""
    path = folder / "socket"
    with scripted_server(path, serve), new_worker(path) as worker:
        yield worker
