"""A settings file becomes plain values and the place of each: dicts, lists, text, None.

Rules, in order:

1. One YAML document of at most 1 MiB in UTF-8, a mapping at its top, at most 20 levels deep.
2. Only what a settings file needs: no anchors, aliases and tags. An alias can blow a small file up
   to gigabytes, a tag can ask for any Python object.
3. A name stands once in its mapping; the second is reported, not silently believed.
4. Every scalar stays text, whatever it looks like, so that `no`, `1_000` or `12:30` mean what is
   written and `$0.10` never was a float; the setting that takes it decides. Only an empty value,
   `~` and `null` are None.
5. References are replaced in values, never in names.

What the settings mean is left to the models.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from gatepass.plugin.settings.problems import BadValue, Finding, Location, Mark, Origin
from gatepass.plugin.settings.references import MAX_FILE_BYTES, read_text, resolve_references

_MAX_DEPTH = 20
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_NEEDS_QUOTES = re.compile(r"[$/]\{|::|[*&!%@`]")

_UNREADABLE = object()
"""What no setting accepts: stands where a problem was already reported."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says: its values, where they stand, and what is wrong with it as a file.

    At the locations in `unreadable` stands no value that could be judged.
    """

    values: Mapping[str, object]
    origin: Origin
    findings: tuple[Finding, ...] = ()
    unreadable: frozenset[Location] = frozenset()


def read_document(
    path: Path, environ: Mapping[str, str], max_bytes: int = MAX_FILE_BYTES
) -> Document:
    """Read a settings file.

    Raises:
        ConfigurationError: it cannot be read at all; lesser problems are in the findings.

    """
    origin = Origin(str(path), path.parent.absolute())
    try:
        text = read_text(path, max_bytes)
        builder = _Builder(text, environ, origin.folder)
        values = builder.document()
    except BadValue as unreadable:
        raise origin.error(unreadable.findings) from unreadable
    except yaml.MarkedYAMLError as wrong:
        # not chained: the library's own message quotes the file
        raise origin.error([_syntax_finding(wrong, text)]) from None
    except yaml.reader.ReaderError as wrong:
        finding = Finding((), "a character that YAML does not allow", mark=_mark_of(wrong, text))
        raise origin.error([finding]) from None
    return Document(
        values,
        Origin(origin.file, origin.folder, builder.marks),
        tuple(builder.findings),
        frozenset(builder.unreadable),
    )


class _Builder:
    """Builds values from the parser's events; the parser itself does not recurse."""

    def __init__(self, text: str, environ: Mapping[str, str], folder: Path) -> None:
        self.marks: dict[Location, Mark] = {(): (1, 1)}
        self.findings: list[Finding] = []
        self.unreadable: set[Location] = set()
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=yaml.SafeLoader)
        self._environ = environ
        self._folder = folder

    def document(self) -> dict[str, object]:
        """Return the values of the only document."""
        event = self._next(yaml.StreamStartEvent, yaml.DocumentStartEvent)
        if isinstance(event, yaml.StreamEndEvent):
            raise BadValue("the file is empty")
        values = self._value(event, ())
        if values is None:
            raise BadValue("the file is empty")
        if not isinstance(values, dict):
            raise BadValue(Finding((), "must be a mapping of settings", mark=_mark(event)))
        event = self._next(yaml.DocumentEndEvent)
        if not isinstance(event, yaml.StreamEndEvent):
            raise BadValue(Finding((), "a second YAML document; write one", mark=_mark(event)))
        return values

    def _next(self, *skipped: type[yaml.Event]) -> yaml.Event:
        return next(event for event in self._events if not isinstance(event, skipped))

    def _value(self, event: yaml.Event, location: Location) -> object:
        if len(location) > _MAX_DEPTH:
            raise BadValue(Finding((), "nested deeper than 20 levels", mark=_mark(event)))
        if isinstance(event, yaml.AliasEvent):
            self._report(event, location, "aliases are not accepted; write the value out")
            self.unreadable.add(location)
            return _UNREADABLE
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._report(event, location, "anchors are not accepted; write the value out")
        if getattr(event, "tag", None) is not None:
            self._report(event, location, "YAML tags are not accepted; write the value alone")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(location)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, location)
        return self._sequence(location)

    def _mapping(self, location: Location) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                self._report(key, location, "the name of a setting must be plain text")
                self._skip(key)
                self._skip(next(self._events))
                continue
            name, entry = key.value, (*location, key.value)
            if name in values:
                first = self.marks[entry][0]
                self._report(key, entry, f"given twice; it already stands in line {first}")
                self._skip(next(self._events))
                continue
            self.marks[entry] = _mark(key)
            values[name] = self._value(next(self._events), entry)
        return values

    def _sequence(self, location: Location) -> list[object]:
        values: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            entry = (*location, len(values))
            self.marks[entry] = _mark(event)
            values.append(self._value(event, entry))
        return values

    def _scalar(self, event: yaml.ScalarEvent, location: Location) -> object:
        if event.style is None and event.value in _NULLS:
            return None
        try:
            return resolve_references(event.value, self._environ, self._folder)
        except BadValue as unresolved:
            self.findings.extend(finding.below(location) for finding in unresolved.findings)
            self.unreadable.add(location)
            return _UNREADABLE

    def _skip(self, event: yaml.Event) -> None:
        """Leave out a whole value, whatever is in it."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            event = next(self._events)

    def _report(self, event: yaml.Event, location: Location, sentence: str) -> None:
        self.findings.append(Finding(location, sentence, mark=_mark(event)))


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    return (1, 1) if start is None else (start.line + 1, start.column + 1)


def _syntax_finding(wrong: yaml.MarkedYAMLError, text: str) -> Finding:
    place = wrong.problem_mark or wrong.context_mark
    mark = (1, 1) if place is None else (place.line + 1, place.column + 1)
    sentence = f"not YAML: {wrong.problem}"
    if any(_NEEDS_QUOTES.search(line) for line in text.splitlines()[mark[0] - 1 : mark[0]]):
        sentence += (
            "; quote values that begin with * & ! % @ or `, "
            "and those with { } or :: inside [ ] and { }"
        )
    return Finding((), sentence, mark=mark)


def _mark_of(wrong: yaml.reader.ReaderError, text: str) -> Mark:
    before = text[: wrong.position]
    return before.count("\n") + 1, len(before) - before.rfind("\n")
