"""What `gatepass check` found: one line of its report."""

from dataclasses import dataclass


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
