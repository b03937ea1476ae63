"""Header lines as Kong changes them: for the upstream's request and for the client's response.

Names are compared by letter case only: `X_User_Id` is another header than `X-User-Id`, for setting
and clearing. Only reading one header takes both for the same.
"""

from collections.abc import Iterable, Iterator

from support.kong.errors import LuaError

_ESCAPED = str.maketrans({"\r": "%0D", "\n": "%0A", "\0": "%00"})
FIRST_HEADERS = 100
"""What Kong looks at when it does not say how many lines it wants."""


def lua_text(value: object) -> str:
    """Return what Lua's tostring makes of a value."""
    match value:
        case None:
            return "nil"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"{value:.14g}"
        case str():
            return value
        case _:
            return "table: 0x7f0000000000"


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)


def header_values(value: object) -> list[str]:
    """Return the lines that a value makes, none for a table without a list. Raises LuaError."""
    if _is_scalar(value):
        return [(lua_text(value) or " ").translate(_ESCAPED)]
    if isinstance(value, dict):
        return []
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise LuaError("invalid header value")
    return [(line or " ").translate(_ESCAPED) for line in value]


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise LuaError("header must be a string")
    return name


class HeaderLines:
    """The header lines of one message, in the order of their arrival."""

    def __init__(self, lines: Iterable[tuple[str, str]] = ()) -> None:
        self._lines = list(lines)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._lines)

    def copy(self) -> "HeaderLines":
        return HeaderLines(self._lines)

    def values(self, name: str) -> list[str]:
        """Return the values of exactly this name, in any letter case."""
        return [value for key, value in self._lines if key.lower() == name.lower()]

    def table(self, limit: int = FIRST_HEADERS) -> dict[str, object]:
        """Return the first lines as Lua's table: a repeated name has a list."""
        lines: dict[str, list[object]] = {}
        for name, value in self._lines[:limit]:
            lines.setdefault(name.lower(), []).append(value)
        return {name: values if len(values) > 1 else values[0] for name, values in lines.items()}

    def first(self, name: object) -> str | None:
        """Return the first value of a name to which `-` and `_` are the same.

        What reads like several values is looked up again, in the first 100 lines only.
        """
        wanted = _folded(_name(name))
        values = [value for key, value in self._lines if _folded(key) == wanted]
        joined = ", ".join(values)
        if ", " not in joined:
            return joined if values else None
        return self.first_of_table(name)

    def first_of_table(self, name: object) -> str | None:
        """Return the first value among the first 100 lines."""
        wanted = _name(name).lower().replace("_", "-")
        for key, value in self._lines[:FIRST_HEADERS]:
            if key.lower() == wanted:
                return value
        return None

    def set(self, name: object, value: object) -> None:
        """Replace every line of this name. Raises LuaError."""
        key, values = _name(name), header_values(value)
        self.clear(key)
        self._lines += [(key, line) for line in values]

    def set_all(self, headers: object) -> None:
        """Replace the lines of every name. Raises LuaError before any was changed."""
        if not isinstance(headers, dict):
            raise LuaError("headers must be a table")
        for value in headers.values():
            header_values(value)
        for name, value in headers.items():
            self.set(name, value)

    def add(self, name: object, value: object) -> None:
        """Keep the lines of this name and add one. Raises LuaError."""
        key, values = _name(name), header_values(value)
        kept = self.values(key)
        self.clear(key)
        self._lines += [(key, line) for line in (*kept, *values)]

    def clear(self, name: object) -> None:
        """Remove every line of exactly this name, in any letter case."""
        wanted = _name(name).lower()
        self._lines = [line for line in self._lines if line[0].lower() != wanted]


def _folded(name: str) -> str:
    return name.lower().replace("_", "-")
