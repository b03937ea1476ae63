"""Files of LiteLLM's rows as JSON: its tables, or what its list endpoints answered.

A file holds an array of rows, one row a line, or an object that names lists of rows; a folder holds
such files. Numbers stay exact, a name stands once in its object, and what is no row is refused. An
answer that says that there are more rows than came is told: a page alone would look like the whole.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.importers.litellm_tables import Table, table_by_columns, table_by_name
from gatepass.plugin.importers.row_notes import RowNote, RowNotes

MAX_FILE_BYTES = 512 * 1024 * 1024
"""About a million rows."""

_TABLE_PREFIX = "LiteLLM_"
_PAGING = frozenset({"total", "total_count", "page", "page_size", "total_pages"})

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Export:
    """The rows by their table, in the order in which they were found."""

    tables: Mapping[Table, Sequence[Row]]


def read_export(path: Path, notes: RowNotes) -> Export:
    """Read a file, or the files of a folder whose names end in .json, .jsonl or .ndjson.

    Raises:
        ConfigurationError: a file cannot be read, or holds no JSON of rows.

    """
    found: dict[Table, list[Row]] = {table: [] for table in Table}
    said: dict[Table, int] = {}
    for file in _files(path):
        note = notes.open("file", file.name)
        document = _document(file)
        for name, rows in _lists(document, file.stem, note):
            table = _table_of(name, rows, note)
            if table is not None:
                found[table] += rows
                said[table] = max(said.get(table, 0), _total(document))
    for table, total in said.items():
        if total > len(found[table]):
            notes.open("file", str(table)).refused(
                f"the answer speaks of {total} rows and {len(found[table])} are here: save the "
                "other pages as well, into one folder"
            )
    return Export(found)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    suffixes = {".json", ".jsonl", ".ndjson"}
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in suffixes)
    if not files:
        raise ConfigurationError([f"{path}: holds no file whose name ends in .json or .jsonl"])
    return files


def _document(path: Path) -> object:
    """Return what a file holds; the library's own message would quote it, and is not chained."""
    text = _text(path)
    try:
        return _parsed(text)
    except ValueError:
        pass
    try:
        return [_parsed(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        raise ConfigurationError(
            [f"{path}: is not JSON, or names something twice in one object"]
        ) from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigurationError([f"{path}: is larger than 512 MiB; split it into a folder"])
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise ConfigurationError([f"{path}: cannot be read as UTF-8 text"]) from error


def _parsed(text: str) -> object:
    return json.loads(text, parse_float=Decimal, object_pairs_hook=_once_each)


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _lists(document: object, stem: str, note: RowNote) -> Iterator[tuple[str, list[Row]]]:
    """Yield the lists of rows in a file, by name."""
    if isinstance(document, list):
        yield stem, _rows(document, note)
        return
    if not isinstance(document, dict):
        note.refused("holds neither rows nor lists of rows")
        return
    for name, value in document.items():
        if isinstance(value, list):
            yield name, _rows(value, note)
        elif name not in _PAGING:
            note.manual("holds something beside lists of rows, which is left out")


def _rows(values: Sequence[object], note: RowNote) -> list[Row]:
    rows: list[Row] = [value for value in values if isinstance(value, dict)]
    if len(rows) != len(values):
        note.refused("a list holds something that is no row")
    return rows


def _table_of(name: str, rows: Sequence[Row], note: RowNote) -> Table | None:
    table = table_by_name(name)
    if table is None and rows and not name.startswith(_TABLE_PREFIX):
        table = table_by_columns(rows)
    if table is None and rows:
        note.manual(
            "holds rows of a table that is not taken over, or cannot be told: name the file "
            "after its table, such as LiteLLM_UserTable.json"
        )
    return table


def _total(document: object) -> int:
    if not isinstance(document, dict):
        return 0
    said = document.get("total", document.get("total_count", 0))
    return said if isinstance(said, int) else 0
