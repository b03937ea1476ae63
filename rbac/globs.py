"""Patterns with `*` for any run of characters, and nothing else special (SEC-57)."""


def split_glob(pattern: str) -> tuple[str, ...]:
    """Return the pieces between the stars of a pattern that holds at least one."""
    return tuple(pattern.split("*"))


def matches_glob(pieces: tuple[str, ...], text: str) -> bool:
    """Match text between stars, leftmost first: greedy is exact because only `*` is special."""
    head, *middle, tail = pieces
    if len(text) < len(head) + len(tail):
        return False
    if not (text.startswith(head) and text.endswith(tail)):
        return False
    position, end = len(head), len(text) - len(tail)
    for piece in middle:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True
