"""What an unknown setting was probably meant to be, or where it belongs."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from types import UnionType
from typing import get_args

from gatepass.plugin.settings.model import Settings
from gatepass.plugin.settings.problems import Finding, nearest
from gatepass.plugin.settings.section import Section

_TOP = "the top of the file"


def with_hint(finding: Finding) -> Finding:
    """Return the finding with a hint, if it is about an unknown setting."""
    if not finding.siblings:
        return finding
    return replace(finding, sentence=finding.sentence + _hint(finding), siblings=())


def _hint(finding: Finding) -> str:
    name = str(finding.location[-1])
    meant = nearest(name, finding.siblings)
    known = places()
    elsewhere = nearest(name, known)
    if elsewhere == name:
        place = " or ".join(known[name])
        if meant is None:
            return f"; it belongs under {place}"
        return f'; did you mean "{meant}", or does it belong under {place}?'
    if meant is not None:
        return f'; did you mean "{meant}"?'
    if elsewhere is not None:
        return f'; did you mean "{elsewhere}" under {" or ".join(known[elsewhere])}?'
    return f"; possible here: {', '.join(finding.siblings)}"


@cache
def places() -> Mapping[str, tuple[str, ...]]:
    """Return, for every name of a setting, the sections that have it."""
    found: dict[str, tuple[str, ...]] = {}
    _collect(Settings, "", found)
    return found


def _collect(section: type[Section], path: str, places: dict[str, tuple[str, ...]]) -> None:
    for name, field in section.model_fields.items():
        places[name] = (*places.get(name, ()), path or _TOP)
        for inner, suffix in _sections_in(field.annotation):
            _collect(inner, f"{path}.{name}{suffix}".lstrip("."), places)


def _sections_in(annotation: object) -> list[tuple[type[Section], str]]:
    """Return the sections that a field holds, and how their place is written."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [(annotation, "")]
    if isinstance(annotation, UnionType):  # a section that may be missing
        suffix = ""
    else:
        suffix = ".NAME" if getattr(annotation, "__origin__", None) is Mapping else "[]"
    return [
        (part, suffix)
        for part in get_args(annotation)
        if isinstance(part, type) and issubclass(part, Section)
    ]
