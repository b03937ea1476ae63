"""An ApisixWorker and the scripted runner behind it, for the length of a block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.apisix.scripted import Serve, scripted_runner
from support.apisix.worker import ApisixWorker


@contextmanager
def apisix_with(
    folder: Path, serve: Serve, new_worker: Callable[[Path], ApisixWorker] = ApisixWorker
) -> Iterator[ApisixWorker]:
    """Run a scripted runner and give an APISIX before it."""
    path = folder / "socket"
    with scripted_runner(path, serve), new_worker(path) as worker:
        yield worker
