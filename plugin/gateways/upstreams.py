"""An upstream of a gateway, as the commands that write a gateway's configuration know it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """An upstream, and the path prefixes that lead to it."""

    name: str
    url: str
    paths: tuple[str, ...]
