"""LiteLLM's scope mappings: what each scope grants, where that is enforced.

A mapping that nobody enforces is refused, as there. An entry that would stand for several models
here is left out, because names are compared exactly there. Routes of a mapping, which the peer
accepts and does not look at, count here.
"""

from collections.abc import Container

from gatepass.plugin.importers.keys import Keys
from gatepass.plugin.importers.litellm_models import read_names
from gatepass.plugin.importers.litellm_routes import to_routes


def read_scopes(jwt: Keys, groups: Container[str]) -> dict[str, object] | None:
    """Return our section `scopes`, or None where nothing is enforced.

    `groups` are the names of access groups.
    """
    enforced = jwt.flag("enforce_scope_based_access")
    mappings: list[dict[str, object]] = []
    with_routes = False
    for entry in jwt.list_below("scope_mappings"):
        scope, models, routes = entry.text("scope"), entry.texts("models"), entry.texts("routes")
        entry.refuse_the_rest()
        if scope is None:
            jwt.notes.refused(entry.name("scope"), "is needed")
            continue
        names = read_names(models or (), groups, entry.name("models"), "scopes.mappings", jwt.notes)
        mapping: dict[str, object] = {"scope": scope, "models": names}
        if routes is not None:
            with_routes = True
            mapping["routes"] = to_routes(
                routes, entry.name("routes"), "scopes.mappings", jwt.notes
            )
        mappings.append(mapping)
    if not enforced:
        if mappings:
            jwt.notes.refused(
                jwt.name("scope_mappings"), "restricts nobody without enforce_scope_based_access"
            )
        return None
    jwt.notes.exact(jwt.name("enforce_scope_based_access"), "scopes.enforce_models")
    if not mappings:
        jwt.notes.manual(
            jwt.name("enforce_scope_based_access"),
            "enforces nothing there without scope_mappings, and would refuse every model here",
        )
        return None
    jwt.notes.changed(
        jwt.name("scope_mappings"), "scopes.mappings", "an alias counts as the model it stands for"
    )
    if with_routes:
        for mapping in mappings:
            mapping.setdefault("routes", ["*"])
        jwt.notes.changed(
            jwt.name("scope_mappings"), "scopes.enforce_routes", "routes of a mapping count here"
        )
    return {"enforce_models": True, "enforce_routes": with_routes, "mappings": mappings}
