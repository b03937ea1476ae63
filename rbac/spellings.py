"""Under which names one model goes: so that no other spelling leads around a limit for it.

Whoever serves models takes more than one name for the same one. Rules, in order:

1. Case does not count, neither in a name nor in a pattern.
2. A provider's prefix does not count: `openai/gpt-4o` is `gpt-4o` too, and `openrouter/openai/...`
   is both of what follows. A prefix that nobody knows belongs to the name.
3. A bare name goes with the prefix of the provider whose it is (providers.py), so that a pattern
   `openai/gpt-4o` holds for `gpt-4o`.

More spellings bring more limits to bear and allow nothing: what a role or a row may use is judged
by exact names (models.py).
"""

from collections.abc import Iterable, Mapping

from gatepass.rbac.models import MAX_MODEL_CHARS, ModelRule
from gatepass.rbac.providers import PREFIXES, PROVIDERS


class Spellings:
    """Knows the other names of models; `providers` says by pattern whose bare names are whose."""

    __slots__ = ("_bare", "_prefixes")

    def __init__(self, providers: Mapping[str, tuple[str, ...]] = PROVIDERS) -> None:
        self._bare = tuple(
            (name.casefold(), ModelRule([pattern.casefold() for pattern in patterns]))
            for name, patterns in providers.items()
        )
        self._prefixes = PREFIXES | {name for name, _ in self._bare}

    def names_of(self, model: str) -> list[str]:
        """Return every name under which a model goes, folded."""
        name = model.casefold()
        names = [name]
        prefix, slash, rest = name.partition("/")
        while slash and rest and prefix in self._prefixes:
            names.append(rest)
            prefix, slash, rest = rest.partition("/")
        if len(names) == 1 and not slash:
            names += [f"{owner}/{name}" for owner, rule in self._bare if rule.allows(name)]
        return names


class AnySpelling:
    """A model pattern that holds however a model is spelled."""

    __slots__ = ("_allows",)

    def __init__(self, pattern: str) -> None:
        self._allows = ModelRule((pattern.casefold(),)).allows

    def holds_for(self, names: Iterable[str]) -> bool:
        """Answer whether it holds for one of a model's names; for one that is too long it does."""
        allows = self._allows
        for name in names:  # noqa: SIM110 - a generator costs more than what it would loop over
            if allows(name) or len(name) > MAX_MODEL_CHARS:
                return True
        return False


PLAIN_SPELLINGS = Spellings()
"""The built-in providers."""
