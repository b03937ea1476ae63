"""Model rules: which model names a role or a row may use.

A pattern is literal text in which `*` stands for any run of characters, and nothing else is special
(SEC-57). Names compare exactly: case counts. An empty list allows nothing; "all" is a word of its
own, not a list. Matching takes time linear in the name for exact and prefix patterns, and at most
name x pattern for the few with a `*` inside, both of which are capped.
"""

from collections.abc import Sequence

MAX_MODEL_CHARS = 256
MAX_PATTERN_CHARS = 256
MAX_INNER_WILDCARDS = 100
"""How many patterns of one list may hold a `*` before their end."""


class ModelRule:
    """A compiled list of model patterns."""

    __slots__ = ("_exact", "_inner", "_prefixes", "everything")

    def __init__(
        self,
        *,
        everything: bool,
        exact: frozenset[str],
        prefixes: tuple[str, ...],
        inner: tuple[tuple[str, ...], ...],
    ) -> None:
        self.everything = everything
        self._exact = exact
        self._prefixes = prefixes
        self._inner = inner

    def allows(self, model: str) -> bool:
        """Answer whether the rule admits the model name."""
        if len(model) > MAX_MODEL_CHARS:
            return False
        return (
            self.everything
            or model in self._exact
            or model.startswith(self._prefixes)
            or any(_matches(pieces, model) for pieces in self._inner)
        )


ALL_MODELS = ModelRule(everything=True, exact=frozenset(), prefixes=(), inner=())
NO_MODELS = ModelRule(everything=False, exact=frozenset(), prefixes=(), inner=())


def compile_models(patterns: Sequence[str]) -> ModelRule:
    """Compile patterns into a rule; an empty list allows nothing.

    Raises:
        ValueError: a pattern is empty or too long, or too many hold a `*` before their end.

    """
    exact, prefixes, inner = [], [], []
    for pattern in patterns:
        if not 0 < len(pattern) <= MAX_PATTERN_CHARS:
            raise ValueError(f"a model pattern must have 1 to {MAX_PATTERN_CHARS} characters")
        pieces = tuple(pattern.split("*"))
        if len(pieces) == 1:
            exact.append(pattern)
        elif len(pieces) == 2 and not pieces[1]:  # noqa: PLR2004 - text, then nothing behind the star
            prefixes.append(pieces[0])
        else:
            inner.append(pieces)
    if len(inner) > MAX_INNER_WILDCARDS:
        raise ValueError(
            f"more than {MAX_INNER_WILDCARDS} model patterns with a * before their end"
        )
    return ModelRule(
        everything=False,
        exact=frozenset(exact),
        prefixes=tuple(sorted(prefixes, key=len)),
        inner=tuple(inner),
    )


def _matches(pieces: tuple[str, ...], model: str) -> bool:
    """Match text between stars, leftmost first: greedy is exact because only `*` is special."""
    head, *middle, tail = pieces
    if len(model) < len(head) + len(tail):
        return False
    if not (model.startswith(head) and model.endswith(tail)):
        return False
    position, end = len(head), len(model) - len(tail)
    for piece in middle:
        found = model.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True
