"""Many prefixes, kept so that one comparison tells whether a text begins with any of them.

No prefix that is kept begins with another one: the shorter says it all. In order, whatever stands
between a prefix and a text that begins with it would begin with it too; so only the last that is
not greater than the text (`bisect.bisect_right`) can be a prefix of it. They lie in buckets by as
many characters as the shortest has, so that looking among ten thousand costs what ten cost. Whoever
asks does that itself, because a call would cost more than the answer.
"""

from collections.abc import Iterable, Mapping


def without_longer(prefixes: Iterable[str]) -> list[str]:
    """Return the prefixes in order, less those that begin with another one."""
    kept: list[str] = []
    for prefix in sorted(prefixes):
        if not kept or not prefix.startswith(kept[-1]):
            kept.append(prefix)
    return kept


def bucketed(prefixes: Iterable[str]) -> tuple[int, Mapping[str, list[str]]]:
    """Return how many characters name a bucket, and each bucket's prefixes in order."""
    kept = without_longer(prefixes)
    width = min(map(len, kept), default=0)
    buckets: dict[str, list[str]] = {}
    for prefix in kept:
        buckets.setdefault(prefix[:width], []).append(prefix)
    return width, buckets
