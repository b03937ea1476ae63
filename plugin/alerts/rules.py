"""What the settings say about alerts."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AlertRules:
    """Where alerts go, what they are signed with, and at which percentages of a hard limit."""

    url: str
    secret: bytes = field(repr=False)
    percentages: tuple[int, ...]
