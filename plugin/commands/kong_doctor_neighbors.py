"""The part of `gatepass kong doctor` about Kong's other plugins, where they meet ours.

Kong runs plugins by their priority. Those above ours run before the decision, those below after it;
only some matter, and whether they are meant is for a person to say.
"""

from collections.abc import Iterator, Sequence

from gatepass.plugin.commands.finding import Finding, listed, note
from gatepass.plugin.commands.kong_doctor_node import fails_open
from gatepass.plugin.commands.kong_doctor_picture import Instance, Picture
from gatepass.plugin.commands.kong_doctor_scopes import (
    Coverage,
    coverage_of,
    instance_on,
)
from gatepass.plugin.gateways.kong.marker import PLUGIN_NAME, PRIORITY

_OWN_CREDENTIAL = "asks for a credential of its own before Gatepass does"
_REWRITES = "can change the path and the identity headers after the decision"
_BEFORE = {
    "pre-function": "runs Lua before the decision, which may set headers and kong.ctx.shared",
    "cors": "answers preflight requests itself, without a decision",
    **dict.fromkeys(
        ("session", "jwt", "oauth2", "key-auth", "ldap-auth", "basic-auth", "hmac-auth"),
        _OWN_CREDENTIAL,
    ),
    **dict.fromkeys(("openid-connect", "mtls-auth", "saml", "header-cert-auth"), _OWN_CREDENTIAL),
}
_AFTER = {
    "request-transformer": _REWRITES,
    "request-transformer-advanced": _REWRITES,
    "route-transformer-advanced": _REWRITES,
}
_CALLS = "calls an upstream itself and answers with what it says"
_ANSWERS = {
    **dict.fromkeys(("ai-request-transformer", "ai-response-transformer"), _CALLS),
    **dict.fromkeys(("aws-lambda", "azure-functions", "forward-proxy"), _CALLS),
    **dict.fromkeys(("kafka-upstream", "confluent", "solace-upstream"), _CALLS),
    **dict.fromkeys(
        ("proxy-cache", "proxy-cache-advanced", "graphql-proxy-cache-advanced"),
        "answers out of its cache",
    ),
    "ai-semantic-cache": "answers out of its cache",
}
"""What ends a request in the access phase, after us and before the guard."""

_NO_MATTER = frozenset({"correlation-id", "zipkin", "bot-detection", "acme", PLUGIN_NAME})


def neighbor_findings(picture: Picture) -> Iterator[Finding]:
    """Yield what is to be said about the other plugins."""
    if picture.instances is None:
        return
    yield from _order(picture)
    yield from _ahead_of_the_guard(picture)
    yield from _anonymous(picture.instances, coverage_of(picture))
    yield from _acl(picture.instances)


def _order(picture: Picture) -> Iterator[Finding]:
    priority = picture.priorities.get(PLUGIN_NAME, PRIORITY)
    if priority != PRIORITY:
        yield Finding(
            "order",
            ok=False,
            found=f"{PLUGIN_NAME} has priority {priority}, not {PRIORITY}",
            advice="restart Kong, so that it asks the installed version",
        )
    for name in sorted({item.name for item in picture.instances or () if item.enabled}):
        known = _BEFORE.get(name) or _AFTER.get(name)
        earlier = picture.priorities.get(name, PRIORITY) > PRIORITY
        if known is None and earlier and name not in _NO_MATTER:
            known = "runs before the decision"
        if known is not None:
            yield note(f"order: {listed([name])}", known, "see that this is meant")
    if any(item.ordering for item in picture.instances or ()):
        yield note(
            "order",
            "an instance is moved by `ordering`",
            f"see that {PLUGIN_NAME} still runs before what relies on the caller's identity",
        )


def _ahead_of_the_guard(picture: Picture) -> Iterator[Finding]:
    for name in sorted({item.name for item in picture.instances or () if item.enabled}):
        if name not in _ANSWERS:
            continue
        subject, found = f"order: {name}", f"{_ANSWERS[name]}, before the guard is asked"
        if fails_open(picture):
            yield Finding(
                subject,
                ok=False,
                found=f"{found}: while the plugin server is away it does so for everybody",
                advice="speak ProtoBuf with Kong 3.8 or later, or take it away",
            )
        else:
            yield note(
                subject,
                f"{found}: where Gatepass is switched off it does so for everybody",
                f"see that {PLUGIN_NAME} is enabled wherever it is, and that Kong speaks ProtoBuf",
            )


def _anonymous(instances: Sequence[Instance], states: Sequence[Coverage]) -> Iterator[Finding]:
    lenient = {item.name for item in instances if item.enabled and item.config.get("anonymous")}
    for name in sorted(lenient):
        unjudged = [
            state.route.title
            for state in states
            if state.ours is None
            and (counts := instance_on(state.route, name, instances)) is not None
            and counts.config.get("anonymous")
        ]
        subject, found = f"anonymous: {listed([name])}", "a failed login passes as a consumer"
        if unjudged:
            yield Finding(
                subject,
                ok=False,
                found=f"{found}, and Gatepass does not judge {listed(unjudged)}",
                advice="take `anonymous` out of its config",
            )
        else:
            yield note(subject, f"{found}; Gatepass still asks for a token", "take it out")


def _acl(instances: Sequence[Instance]) -> Iterator[Finding]:
    acls = [item for item in instances if item.name == "acl" and item.enabled]
    if not all(item.config.get("always_use_authenticated_groups") is True for item in acls):
        yield note(
            "acl",
            "does not look at the groups that Gatepass sets (role:..., team:...)",
            "set always_use_authenticated_groups: true",
        )
