"""The settings of what models are called, and of what the scopes of a token grant.

What the catalog and the scopes refuse as a whole is refused here entry by entry, so that every
entry that is wrong is named.
"""

from collections.abc import Iterator, Mapping

from pydantic import Field

from gatepass.plugin.settings.fields import (
    AnyNumber,
    Flag,
    ModelName,
    ModelPattern,
    Models,
    PlainName,
    Route,
    ScopeName,
)
from gatepass.plugin.settings.problems import Finding, repeated
from gatepass.plugin.settings.section import Section
from gatepass.rbac.models import MAX_INNER_WILDCARDS, is_inner

AccessGroups = Mapping[ModelName, AnyNumber[ModelPattern]]
ModelAliases = Mapping[ModelName, ModelName]
Providers = Mapping[PlainName, AnyNumber[ModelPattern]]


class ScopeMappingSettings(Section):
    """What one scope grants."""

    scope: ScopeName = Field(description="The scope.")
    models: Models = Field(default=(), description="The models that it grants.")
    routes: AnyNumber[Route] = Field(default=(), description="The routes that it grants.")


class ScopeSettings(Section):
    """What the scopes of a token grant; they count where it is enforced, beside the role."""

    enforce_models: Flag = Field(
        default=False, description="Every model must be granted by a scope of the token."
    )
    enforce_routes: Flag = Field(
        default=False, description="Every route must be granted by a scope of the token."
    )
    mappings: tuple[ScopeMappingSettings, ...] = Field(
        default=(), description="What each scope grants; several add up."
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the mappings that would grant nothing, and restrictions that nobody enforces."""
        if not right >= {"enforce_models", "enforce_routes", "mappings"}:
            return
        if self.mappings and not (self.enforce_models or self.enforce_routes):
            yield Finding(
                ("mappings",), "restricts nobody; add enforce_models: true or enforce_routes: true"
            )
            return
        for at, mapping in enumerate(self.mappings):
            if mapping.models and not self.enforce_models:
                yield Finding(
                    ("mappings", at, "models"), "restricts nobody; add enforce_models: true"
                )
            if mapping.routes and not self.enforce_routes:
                yield Finding(
                    ("mappings", at, "routes"), "restricts nobody; add enforce_routes: true"
                )
            if self.enforce_routes and not mapping.routes:
                yield Finding(("mappings", at), "grants nothing: it names no routes")
        yield from repeated(
            [
                (("mappings", at, "scope"), mapping.scope)
                for at, mapping in enumerate(self.mappings)
            ],
            "the scope is mapped above; write one mapping for each",
        )


def group_findings(groups: AccessGroups) -> Iterator[Finding]:
    """Yield what the access groups may not hold."""
    costly = 0
    for name, patterns in groups.items():
        for at, pattern in enumerate(patterns):
            costly += is_inner(pattern)
            if pattern in groups:
                yield Finding(
                    ("access_groups", name, at), "a group cannot hold the name of another group"
                )
    if costly > MAX_INNER_WILDCARDS:
        yield Finding(
            ("access_groups",),
            f"more than {MAX_INNER_WILDCARDS} patterns with a * before their end, in all groups",
        )


def alias_findings(aliases: ModelAliases, groups: AccessGroups) -> Iterator[Finding]:
    """Yield the aliases that mean two things."""
    for alias, target in aliases.items():
        if target in aliases:
            yield Finding(
                ("model_aliases", alias), "an alias stands for a model, not for another alias"
            )
        if alias in groups or target in groups:
            yield Finding(("model_aliases", alias), "an access group has this name already")
