"""Writing a configuration as YAML that reads as it was meant, whatever reads it.

Mappings, lists, whole numbers and booleans; every text is quoted, because a plain one may look like
a number, and a plain text of several lines is a block. Names are plain ones. No text needs a
character above U+FFFF, which JSON, whose quotes these are, spells in two halves.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

Value = Mapping[str, "Value"] | Sequence["Value"] | str | int | bool
"""What a configuration is made of; a text is no sequence here."""

_BLOCK = re.compile(r"[!-~](?:[ -~]*[!-~])?\n(?:(?:[ -~]*[!-~])?\n)*+(?<!\n\n)")
"""Lines of ASCII, the first not indented, the last not empty, none with blanks at its end."""


def yaml_text(document: Mapping[str, Value]) -> str:
    """Return the document as text."""
    return "".join(f"{line}\n" for line in _members(document))


def _members(mapping: Mapping[str, Value]) -> Iterator[str]:
    for name, value in mapping.items():
        if _is_collection(value):
            yield f"{name}:"
            yield from _indented(_collection(value))
        else:
            yield from _scalar(f"{name}:", value)


def _items(values: Sequence[Value]) -> Iterator[str]:
    for value in values:
        if _is_collection(value):
            first, *more = _collection(value)
            yield f"- {first}"
            yield from _indented(more)
        else:
            yield from _scalar("-", value)


def _is_collection(value: Value) -> bool:
    """Answer whether a value takes lines of its own; an empty collection does not."""
    return not isinstance(value, str | int) and bool(value)


def _collection(value: Value) -> Iterator[str]:
    return _members(value) if isinstance(value, Mapping) else _items(cast("Sequence[Value]", value))


def _scalar(before: str, value: Value) -> Iterator[str]:
    if isinstance(value, str) and _BLOCK.fullmatch(value):
        yield f"{before} |"
        yield from _indented(value.splitlines())
    else:
        yield f"{before} {json.dumps(value)}"  # JSON's texts are YAML's


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}".rstrip() for line in lines)
