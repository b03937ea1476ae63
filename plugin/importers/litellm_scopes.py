"""LiteLLM's scope mappings: what each scope grants, where that is enforced.

A mapping that nobody enforces is refused, as there. Routes of a mapping, which the peer accepts and
does not look at, count here.
"""

from gatepass.plugin.importers.keys import Keys
from gatepass.plugin.importers.litellm_routes import to_routes


def read_scopes(jwt: Keys) -> dict[str, object] | None:
    """Return our section `scopes`, or None where nothing is enforced."""
    enforced = jwt.flag("enforce_scope_based_access")
    mappings: list[dict[str, object]] = []
    with_routes = False
    for entry in jwt.list_below("scope_mappings"):
        scope, models, routes = entry.text("scope"), entry.texts("models"), entry.texts("routes")
        entry.refuse_the_rest()
        if scope is None:
            jwt.notes.refused(entry.name("scope"), "is needed")
            continue
        mapping: dict[str, object] = {"scope": scope, "models": models or []}
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
    jwt.notes.exact(jwt.name("scope_mappings"), "scopes.mappings")
    if with_routes:
        for mapping in mappings:
            mapping.setdefault("routes", ["*"])
        jwt.notes.changed(
            jwt.name("scope_mappings"), "scopes.enforce_routes", "routes of a mapping count here"
        )
    return {"enforce_models": True, "enforce_routes": with_routes, "mappings": mappings}
