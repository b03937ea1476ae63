"""Settings as a YAML file for people: in the order given, with comments above what they speak of.

Written for the strict reader of gatepass.plugin.settings: no anchors, no tags, and `${` in a value
is written so that it stays text.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

import yaml

_WIDTH = 96


def settings_text(
    document: Mapping[str, object], comments: Mapping[str, Sequence[str]], head: Sequence[str]
) -> str:
    """Return the file; `comments` are found by the setting, written like `issuers[0].claims`."""
    lines = list(_comment_lines(head, ""))
    for name in document:
        lines += ["", *_entry_lines(name, document[name], name, "", comments)]
    return "\n".join(lines) + "\n"


def _entry_lines(
    name: str, value: object, place: str, indent: str, comments: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    yield from _comment_lines(comments.get(place, ()), indent)
    if isinstance(value, Mapping) and value:
        yield f"{indent}{_plain(name)}:"
        yield from _mapping_lines(value, place, indent + "  ", comments)
    elif isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
        yield f"{indent}{_plain(name)}:"
        for at, item in enumerate(value):
            yield from _item_lines(item, f"{place}[{at}]", indent + "  ", comments)
    else:
        yield f"{indent}{_plain(name)}: {_flow(value)}"


def _mapping_lines(
    values: Mapping[str, object], place: str, indent: str, comments: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    for name, value in values.items():
        yield from _entry_lines(name, value, f"{place}.{name}", indent, comments)


def _item_lines(
    item: Mapping[str, object], place: str, indent: str, comments: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Yield one entry of a list: short ones on a line of their own."""
    yield from _comment_lines(comments.get(place, ()), indent)
    short = f"{indent}- {_flow(item)}"
    if len(short) <= _WIDTH and not any(isinstance(value, Mapping) for value in item.values()):
        yield short
        return
    first = True
    for line in _mapping_lines(item, place, indent + "  ", comments):
        is_entry = not line.lstrip().startswith("#")
        yield f"{indent}- {line[len(indent) + 2 :]}" if first and is_entry else line
        first = first and not is_entry


def _comment_lines(sentences: Sequence[str], indent: str) -> Iterator[str]:
    for sentence in sentences:
        yield from textwrap.wrap(
            sentence,
            _WIDTH,
            initial_indent=f"{indent}# ",
            subsequent_indent=f"{indent}#   ",
            break_long_words=False,
            break_on_hyphens=False,
        )


def _flow(value: object) -> str:
    return _plain(_escaped(value))


def _plain(value: object) -> str:
    """Return a value in one line; names are written like this, because nothing in them refers."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=10_000_000, allow_unicode=False
    )
    return text.removesuffix("\n").removesuffix("\n...").removesuffix("\n")


def _escaped(value: object) -> object:
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {name: _escaped(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(member) for member in value]
    return value
