"""One row of LiteLLM's database, read column by column; what nobody asked for is left over.

A value of the wrong type refuses the row, never guessed at. Columns of JSON may come as text, as a
database exports them. Columns that hold nothing say nothing.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from gatepass.plugin.importers.row_notes import RowNote
from gatepass.rbac.claims import MAX_TEXT_CHARS

_NOTHING: tuple[object, ...] = ("", "{}", "[]", [], {})


class RowReader:
    """The columns of one row; each is asked for by its type, once."""

    def __init__(self, row: Mapping[str, object], note: RowNote) -> None:
        self.note = note
        self._left = dict(row)

    def text(self, column: str) -> str | None:
        """Return text, or None when the column is empty."""
        value = self._left.pop(column, None)
        if value is None or value == "":
            return None
        if isinstance(value, str) and len(value) <= MAX_TEXT_CHARS and value.isprintable():
            if value == value.strip():
                return value
            self._refuse(column, "has blanks at an end")
            return None
        self._refuse(column, f"must be printable text of at most {MAX_TEXT_CHARS} letters")
        return None

    def alias(self, column: str) -> str | None:
        """Return a name for people, without blanks around it."""
        value = self._left.get(column)
        if isinstance(value, str) and value != value.strip():
            self._left[column] = value.strip()
            self.note.changed(f"{column}: blanks around it are left out")
        return self.text(column)

    def flag(self, column: str) -> bool:
        """Return a boolean; an empty column is false."""
        value = self._left.pop(column, None)
        if value is None or isinstance(value, bool):
            return bool(value)
        self._refuse(column, "must be true or false")
        return True

    def texts(self, column: str) -> tuple[str, ...]:
        """Return a list of texts; an empty column is an empty list."""
        value = self._json(column)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            return tuple(value)
        self._refuse(column, "must be a list of texts")
        return ()

    def mapping(self, column: str) -> Mapping[str, object]:
        """Return an object; an empty column is an empty one."""
        value = self._json(column)
        if value is not None and not isinstance(value, dict):
            self._refuse(column, "must be an object")
            return {}
        return value or {}

    def records(self, column: str) -> Sequence[Mapping[str, object]]:
        """Return a list of objects; an empty column, and an empty object, is an empty list."""
        value = self._json(column) or []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self._refuse(column, "must be a list of objects")
            return []
        return value

    def number(self, column: str) -> Decimal | None:
        """Return a finite number that is not negative, or None when the column is empty."""
        value = self._left.pop(column, None)
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            if number.is_finite() and number >= 0:
                return number
        self._refuse(column, "must be a finite number that is not negative")
        return None

    def instant(self, column: str) -> int | None:
        """Return seconds since the epoch; a time without a zone is UTC, as in the database."""
        text = self.text(column)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text)
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            self._refuse(column, "must be a time")
            return None

    def nothing_left(self, *, meant: Mapping[str, str], silent: Iterable[str]) -> None:
        """Say what is not taken over: by sentence for columns that are known, else by name."""
        for column in silent:
            self._left.pop(column, None)
        for column, value in self._left.items():
            if value is None or value is False or value in _NOTHING:
                continue
            name = column if column.isidentifier() else ascii(column[:40])
            self.note.manual(f"{name}: {meant.get(column, 'unknown to this importer; left out')}")

    def _json(self, column: str) -> object:
        value = self._left.pop(column, None)
        if isinstance(value, str) and value:
            try:
                value = json.loads(value, parse_float=Decimal)
            except ValueError:
                self._refuse(column, "must be JSON")
                return None
        return value or None

    def _refuse(self, column: str, sentence: str) -> None:
        self.note.refused(f"{column}: {sentence}")
