"""One mapping of somebody else's settings, read key by key; what nobody asked for is left over.

A value of the wrong type is refused by name, never guessed at. Text may be a reference into the
environment, written `os.environ/NAME`.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation

from gatepass.plugin.importers.verdicts import Notes

_REFERENCE = "os.environ/"
_MAX_NAME_CHARS = 80


class Keys:
    """The keys below one name; each is asked for by its type, once."""

    def __init__(
        self,
        values: Mapping[str, object],
        path: str,
        notes: Notes,
        environ: Mapping[str, str],
    ) -> None:
        self.notes = notes
        self._left = dict(values)
        self._path = path
        self._environ = environ

    def name(self, key: str) -> str:
        """Return the whole name of a key."""
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        """Answer whether the key is written, with a value, and nobody has asked for it yet."""
        return self._left.get(key) is not None

    def is_on(self, key: str) -> bool:
        """Answer whether the key says true; it is left to be asked for."""
        return self._left.get(key) is True

    def text(self, key: str) -> str | None:
        """Return text, or None when the key is not there."""
        value = self._left.pop(key, None)
        return None if value is None else self._text(key, value)

    def flag(self, key: str) -> bool:
        """Return a boolean; a key that is not there is false."""
        value = self._left.pop(key, None)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.notes.refused(self.name(key), "must be true or false")
        return False

    def texts(self, key: str) -> list[str] | None:
        """Return a list of texts, or None when the key is not there; one text is a list of one."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        members = value if isinstance(value, list) else [value]
        found = [self._text(f"{key}[{at}]", member) for at, member in enumerate(members)]
        return [text for text in found if text is not None]

    def number(self, key: str) -> Decimal | None:
        """Return a finite number that is not negative, or None when the key is not there."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        try:
            number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
        except InvalidOperation:
            number = Decimal("NaN")
        if number.is_finite() and number >= 0:
            return number
        self.notes.refused(self.name(key), "must be a finite number that is not negative")
        return None

    def below(self, key: str) -> "Keys":
        """Return the keys of a mapping; one that is not there has none."""
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, dict):
            self.notes.refused(self.name(key), "must be a mapping")
            value = None
        return Keys(value or {}, self.name(key), self.notes, self._environ)

    def list_below(self, key: str) -> list["Keys"]:
        """Return the mappings of a list; a list that is not there has none."""
        value = self._left.pop(key, None)
        members = value if isinstance(value, list) else [value] if value is not None else []
        found = []
        for at, member in enumerate(members):
            name = f"{self.name(key)}[{at}]"
            if isinstance(member, dict):
                found.append(Keys(member, name, self.notes, self._environ))
            else:
                self.notes.refused(name, "must be a mapping")
        return found

    def names_left(self) -> list[str]:
        """Return the keys that nobody has asked for yet, as far as they are text."""
        return [key for key in self._left if isinstance(key, str)]

    def is_mapping(self, key: str) -> bool:
        """Answer whether a key that nobody has asked for holds a mapping."""
        return isinstance(self._left.get(key), dict)

    def names(self) -> Iterator[str]:
        """Yield the keys that nobody asked for, and take them."""
        left, self._left = self._left, {}
        for key in left:
            text = str(key)[:_MAX_NAME_CHARS]
            yield text if text.isprintable() else ascii(text)

    def drop(self, key: str) -> bool:
        """Take a key whatever it holds, and answer whether it was there."""
        return self._left.pop(key, None) is not None

    def refuse_the_rest(self) -> None:
        """Refuse all keys that nobody asked for."""
        for key in self.names():
            self.notes.refused(self.name(key), "unknown key")

    def _text(self, key: str, value: object) -> str | None:
        if isinstance(value, str) and value.startswith(_REFERENCE):
            value = self._environ.get(value.removeprefix(_REFERENCE))
            if not value:
                self.notes.refused(self.name(key), "refers to a variable that is not set")
                return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if isinstance(value, str) and value:
            return value
        self.notes.refused(self.name(key), "must be text")
        return None
