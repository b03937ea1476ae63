"""A request body as nginx keeps it: small ones in memory, larger ones in a file of its own."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


class Body:
    """The body of one request; `remove` it when the response has ended."""

    def __init__(self, octets: bytes, buffer_size: int, folder: Path | None) -> None:
        self._octets = octets
        self._path: Path | None = None
        if len(octets) >= buffer_size + buffer_size // 4:
            self._path = _written(octets, folder)

    @property
    def octets(self) -> bytes:
        return self._octets

    def read(self) -> bytes | Path:
        """Return the body, or the path of the file that holds it."""
        return self._octets if self._path is None else self._path

    def replace(self, octets: bytes) -> None:
        """Hold another body, in memory whatever its size."""
        self.remove()
        self._octets = octets

    def remove(self) -> None:
        """Remove the file, if there is one."""
        if self._path is not None:
            with suppress(FileNotFoundError):
                self._path.unlink()
        self._path = None


def _written(octets: bytes, folder: Path | None) -> Path:
    descriptor, name = tempfile.mkstemp(prefix="client-body-", dir=folder)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
    return Path(name)
