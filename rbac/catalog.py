"""What a deployment calls its models: access groups, aliases, and whose bare names are whose.

Rules, in order:

1. An alias counts as its target, in every list and for the price. A team's own alias comes first,
   and the global ones apply to what it stands for; nothing else is followed.
2. The name of an access group in a list stands for the group's patterns, and no longer for itself.
3. A pattern `PROVIDER/...*` admits a bare name too, one without a slash, if the table says that it
   is that provider's and the pattern admits it behind the slash. A name with a prefix that nobody
   knows is bare in no table and is never granted this way.

All of that is worked out when a list is bound, so that judging a name costs what it costs anyway.
Left to others: which lists bind a request (binding.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from gatepass.rbac.models import (
    MAX_INNER_WILDCARDS,
    MAX_MODEL_CHARS,
    SPECIAL_NAMES,
    ModelRule,
    compile_models,
    is_inner,
)
from gatepass.rbac.providers import PROVIDERS

_MAX_REMEMBERED = 1_000
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class ModelCatalog:
    """The names of one deployment, checked as a whole and never changed afterwards.

    `providers` is all there is: whoever wants the built-in table passes it on.

    Raises:
        ValueError: a name means two things, an alias stands for another alias, or the groups hold
            too many costly patterns.

    """

    __slots__ = ("_bound", "_groups", "_providers", "aliases")

    def __init__(
        self,
        groups: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        aliases: Mapping[str, str] = _NOTHING,
        providers: Mapping[str, tuple[str, ...]] = PROVIDERS,
    ) -> None:
        _check_groups(groups)
        _check_aliases(aliases, groups)
        self.aliases = MappingProxyType(dict(aliases))
        self._groups = {
            name: tuple(aliases.get(entry, entry) for entry in entries)
            for name, entries in groups.items()
        }
        self._providers = {name: compile_models(names) for name, names in providers.items()}
        self._bound: dict[ModelRule | tuple[ModelRule, tuple[str, ...]], ModelRule] = {}

    def bind(self, rule: ModelRule) -> ModelRule:
        """Return what a list means here."""
        return rule if rule.everything else self._bound.get(rule) or self._bind(rule, ())

    def bind_team(self, rule: ModelRule, aliases: Mapping[str, str]) -> ModelRule:
        """Return what a team's list means; what its own aliases stand for counts as listed.

        Only names of models do: a row's alias opens neither a pattern nor a group.
        """
        if rule.everything or not aliases:
            return self.bind(rule)
        meant = self.aliases_with(aliases)
        targets = tuple(sorted({meant[name] for name in aliases if is_plain_model(meant[name])}))
        if not targets:
            return self.bind(rule)
        return self._bound.get((rule, targets)) or self._bind(rule, targets)

    def _bind(self, rule: ModelRule, also: tuple[str, ...]) -> ModelRule:
        listed = (*self._expanded(rule.listed), *also)
        bare = self._bare(listed)
        bound = rule
        if bare or listed != rule.listed:
            bound = ModelRule(listed, bare=bare, written=rule.written)
        if len(self._bound) >= _MAX_REMEMBERED:
            self._bound.clear()
        self._bound[(rule, also) if also else rule] = bound
        return bound

    def first_that_allows(self, rule: ModelRule, model: str) -> int | None:
        """Return the place of the first entry of a bound list that admits a model, or None.

        For explanations: every entry is compiled again, by itself. None as well for a model that
        the list admits only for an alias of the team's.
        """
        for at, entry in enumerate(rule.written):
            if self.bind(compile_models((entry,))).allows(model):
                return at
        return None

    def aliases_with(self, own: Mapping[str, str]) -> Mapping[str, str]:
        """Return all aliases of a team that has some of its own, each with its last target."""
        if not own:
            return self.aliases
        followed = {alias: self.aliases.get(target, target) for alias, target in own.items()}
        return {**self.aliases, **followed}

    def _expanded(self, listed: Iterable[str]) -> Iterator[str]:
        for entry in listed:
            group = self._groups.get(entry)
            if group is None:
                yield self.aliases.get(entry, entry)
            else:
                yield from group

    def _bare(self, listed: Iterable[str]) -> list[tuple[ModelRule, ModelRule]]:
        """Return, by provider, its bare names and what of them the patterns with a `*` admit."""
        tails: dict[str, list[str]] = {}
        for pattern in listed:
            provider, slash, tail = pattern.partition("/")
            if slash and "*" in tail and provider in self._providers:
                tails.setdefault(provider, []).append(tail)
        return [(self._providers[name], ModelRule(patterns)) for name, patterns in tails.items()]


def _check_groups(groups: Mapping[str, tuple[str, ...]]) -> None:
    for entries in groups.values():
        compile_models(entries)
    listed = [entry for entries in groups.values() for entry in entries]
    if not SPECIAL_NAMES.isdisjoint([*groups, *listed]):
        raise ValueError(f"an access group has no use for {', '.join(sorted(SPECIAL_NAMES))}")
    if not groups.keys().isdisjoint(listed):
        raise ValueError("an access group cannot hold the names of other groups")
    if sum(map(is_inner, listed)) > MAX_INNER_WILDCARDS:
        raise ValueError(
            f"more than {MAX_INNER_WILDCARDS} patterns of access groups with a * before their end"
        )


def _check_aliases(aliases: Mapping[str, str], groups: Mapping[str, tuple[str, ...]]) -> None:
    names = {*aliases, *aliases.values()}
    if not all(is_plain_model(name) for name in names):
        raise ValueError("an alias and its target are names of one model each, without *")
    if not aliases.keys().isdisjoint(aliases.values()):
        raise ValueError("an alias stands for a model, not for another alias")
    if not names.isdisjoint(groups):
        raise ValueError("an alias and an access group have the same name")


def is_plain_model(name: str) -> bool:
    """Answer whether text is the name of one model, as a list or an alias may hold it."""
    return 0 < len(name) <= MAX_MODEL_CHARS and "*" not in name and name not in SPECIAL_NAMES


PLAIN_CATALOG = ModelCatalog()
"""No groups, no aliases, and the built-in providers."""
