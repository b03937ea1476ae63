"""What is wrong with a settings file: where it stands, and one fixed sentence about it.

A sentence never holds a value of the file: a value may be a secret that `${ENV}` brought in. Names
of settings are shown, because a typing error in one cannot be found otherwise.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError

Location = tuple[str | int, ...]
"""The way from the top of the settings to a value: names of settings and indexes of lists."""

Mark = tuple[int, int]
"""Line and column in the file, both counted from 1."""

_MAX_NAME_CHARS = 60
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    `location` is relative to whatever was looked at. `siblings` is empty, or the settings that
    could stand where an unknown one was found. `mark` is set where the location does not tell the
    place in the file: a syntax error, or a name that was given twice.
    """

    location: Location
    sentence: str
    siblings: tuple[str, ...] = ()
    mark: Mark | None = None

    def below(self, location: Location) -> "Finding":
        """Return the same finding, seen from further up."""
        return replace(self, location=(*location, *self.location))


class BadValue(ValueError):
    """A value that can only be wrong; carries every finding, seen from the value itself."""

    def __init__(self, *findings: Finding | str) -> None:
        super().__init__("the value can only be wrong")
        self.findings = tuple(
            Finding((), finding) if isinstance(finding, str) else finding for finding in findings
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """Where settings come from: the file as it was named, its folder, and what stands where.

    Settings that were not read from a file have no marks; their problems show the location alone.
    """

    file: str = "settings"
    folder: Path = field(default_factory=Path.cwd)
    marks: Mapping[Location, Mark] = field(default_factory=dict)

    def error(self, findings: Iterable[Finding]) -> ConfigurationError:
        """Return the error that lists the findings once each, in the order of the file."""
        lines = {self._line(finding) for finding in findings}
        return ConfigurationError([line for _, line in sorted(lines)])

    def _line(self, finding: Finding) -> tuple[Mark, str]:
        location = finding.location
        if self.marks:
            # `audience: a` is read as [a]: the file knows no audience[0]
            while location and isinstance(location[-1], int) and location not in self.marks:
                location = location[:-1]
        mark = finding.mark or self._mark(location)
        path = location_text(location)
        sentence = f"{path}: {finding.sentence}" if path else finding.sentence
        if mark is None:
            return (0, 0), f"{self.file}: {sentence}"
        return mark, f"{self.file}:{mark[0]}:{mark[1]}: {sentence}"

    def _mark(self, location: Location) -> Mark | None:
        """Return where the location stands, or the nearest thing around it that stands anywhere."""
        while location and location not in self.marks:
            location = location[:-1]
        return self.marks.get(location)


def repeated(
    named: Iterable[tuple[Location, object]], sentence: str, taken: Iterable[object] = ()
) -> Iterator[Finding]:
    """Yield a finding for every location whose name was taken before, or stands further up."""
    seen = set(taken)
    for location, name in named:
        if name in seen:
            yield Finding(location, sentence)
        seen.add(name)


def location_text(location: Location) -> str:
    """Return a location as people write it: `issuers[0].claims.user`."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_NAME.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part[:_MAX_NAME_CHARS])}]"
    return text


def nearest(word: str, choices: Iterable[str], cutoff: float = 0.7) -> str | None:
    """Return the choice that the word was probably meant to be, or None."""
    matches = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=cutoff)
    return matches[0] if matches else None


def did_you_mean(word: str, choices: Iterable[str], cutoff: float = 0.7) -> str:
    """Return `; did you mean "x"?` for the nearest choice, or nothing."""
    choice = nearest(word, choices, cutoff)
    return f'; did you mean "{choice}"?' if choice is not None else ""
