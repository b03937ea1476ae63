"""Model rules: which model names a role or a row may use.

A pattern is literal text in which `*` stands for any run of characters, and nothing else is special
(SEC-57). Names compare exactly: case counts. An empty list allows nothing; "all" is a word of its
own, not a list. Three names of the peer mean something in a list: `all-proxy-models` is every
model, `no-default-models` is none and stands alone, `all-team-models` is whatever the team may use.

The cost of an answer does not grow with the number of exact and prefix patterns: a name is looked
up among the former, and of the latter one has to be compared (prefixes.py). It is at most name x
pattern for the few with a `*` before their end, which are capped, as is the length of both.

Left to others: groups of models, aliases and providers (catalog.py), and which rules bind a request
(binding.py).
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from gatepass.rbac.globs import matches_glob, split_glob
from gatepass.rbac.prefixes import bucketed

MAX_MODEL_CHARS = 256
MAX_PATTERN_CHARS = 256
MAX_INNER_WILDCARDS = 100
"""How many patterns of one list may hold a `*` before their end."""

ALL_PROXY_MODELS: Final = "all-proxy-models"
ALL_TEAM_MODELS: Final = "all-team-models"
NO_DEFAULT_MODELS: Final = "no-default-models"
SPECIAL_NAMES: Final = frozenset({ALL_PROXY_MODELS, ALL_TEAM_MODELS, NO_DEFAULT_MODELS})
"""What a list may hold beside patterns; no model can have such a name."""


class ModelRule:
    """A compiled list of model patterns.

    `everything` admits every model. `of_team` says that the list names the team's models too: what
    that means is for whoever knows the team; by itself it admits nothing. `listed` is the list,
    `written` what it was before a catalog bound it.
    """

    __slots__ = (
        "_bare",
        "_exact",
        "_inner",
        "_prefixes",
        "_width",
        "everything",
        "listed",
        "of_team",
        "written",
    )

    def __init__(
        self,
        listed: Sequence[str],
        *,
        everything: bool = False,
        bare: Sequence[tuple["ModelRule", "ModelRule"]] = (),
        written: tuple[str, ...] | None = None,
    ) -> None:
        exact, prefixes, inner = _sorted_out(listed)
        self.listed = tuple(listed)
        self.written = self.listed if written is None else written
        self.everything = everything or ALL_PROXY_MODELS in exact
        self.of_team = ALL_TEAM_MODELS in exact
        self._exact = frozenset(exact - SPECIAL_NAMES)
        self._width, self._prefixes = bucketed(prefixes)
        self._inner = tuple(inner)
        self._bare = tuple(bare)

    def allows(self, model: str) -> bool:
        """Answer whether the rule admits the model name."""
        if len(model) > MAX_MODEL_CHARS:
            return False
        if self.everything or model in self._exact:
            return True
        bucket = self._prefixes.get(model[: self._width])
        if bucket is not None:
            at = bisect_right(bucket, model)
            if at and model.startswith(bucket[at - 1]):
                return True
        for pieces in self._inner:
            if matches_glob(pieces, model):
                return True
        return bool(self._bare) and "/" not in model and self._admits_bare(model)

    def _admits_bare(self, model: str) -> bool:
        return any(names.allows(model) and rule.allows(model) for names, rule in self._bare)


def compile_models(patterns: Sequence[str]) -> ModelRule:
    """Compile patterns into a rule; an empty list allows nothing.

    Raises:
        ValueError: a pattern is empty or too long, too many hold a `*` before their end, or
            `no-default-models` stands beside others.

    """
    for pattern in patterns:
        if not 0 < len(pattern) <= MAX_PATTERN_CHARS:
            raise ValueError(f"a model pattern must have 1 to {MAX_PATTERN_CHARS} characters")
    if NO_DEFAULT_MODELS in patterns and len(patterns) > 1:
        raise ValueError(f"{NO_DEFAULT_MODELS} is no model at all, and stands alone in its list")
    if sum(map(is_inner, patterns)) > MAX_INNER_WILDCARDS:
        raise ValueError(
            f"more than {MAX_INNER_WILDCARDS} model patterns with a * before their end"
        )
    return ModelRule(patterns)


def is_inner(pattern: str) -> bool:
    """Answer whether a pattern holds a `*` before its end."""
    return "*" in pattern[:-1]


def _sorted_out(
    patterns: Iterable[str],
) -> tuple[set[str], list[str], list[tuple[str, ...]]]:
    """Return the exact names, the prefixes, and the pieces between the stars of the others."""
    exact, prefixes, inner = set(), [], []
    for pattern in dict.fromkeys(patterns):
        if is_inner(pattern):
            inner.append(split_glob(pattern))
        elif pattern.endswith("*"):
            prefixes.append(pattern[:-1])
        else:
            exact.add(pattern)
    return exact, prefixes, inner


ALL_MODELS = ModelRule((), everything=True)
NO_MODELS = ModelRule(())
