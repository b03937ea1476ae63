"""What `gatepass check` or a doctor found: one line of the report."""

from collections.abc import Iterable
from dataclasses import dataclass

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `advice` says what to do, always when it is not ok.

    A `note` is ok: the settings are valid, and do what hardly anybody wants.
    """

    subject: str
    ok: bool
    found: str
    advice: str = ""
    note: bool = False


def note(subject: str, found: str, advice: str) -> Finding:
    """Return a finding that is ok, and probably not meant."""
    return Finding(subject, ok=True, found=found, advice=advice, note=True)


def listed(names: Iterable[str]) -> str:
    """Return some names as text, without the line breaks that somebody may have put into one."""
    every = sorted({name if name.isprintable() else ascii(name) for name in names})
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
