"""Complete services and routes for APISIX, and the lines of config.yaml that belong to them.

Every service carries the guard itself, so that whatever tells of a running APISIX shows it. What is
written is one document: YAML for an APISIX without a database, JSON for its Admin API. Four ways:
our runner with the usage in the response as APISIX reports it, the same with the tokens that
ai-proxy counted, the same with responses that the runner itself reads, and forward-auth with our
HTTP service. `gatepass apisix config` prints them; examples/apisix/ holds the first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from gatepass.plugin.gateways.apisix.forward_auth import DecidingHeaders, forward_auth_plugins
from gatepass.plugin.gateways.apisix.lua import mark_snippet, usage_snippet
from gatepass.plugin.gateways.apisix.names import (
    AUTHORIZATION_VARIABLE,
    GUARD,
    LOGGER,
    MARK_PLUGIN,
    PLUGIN_NAME,
    PROFILE_FIELD,
    REQUEST_VARIABLE,
    RESPONSES,
    UPSTREAM_AUTHORIZATION_VARIABLE,
    USAGE_HEAD_VARIABLE,
    USAGE_PATH,
    USAGE_PLUGIN,
    USAGE_VARIABLE,
)
from gatepass.plugin.gateways.apisix.yaml_text import Value, yaml_text
from gatepass.plugin.gateways.upstreams import Service

READ_SECONDS = 600
"""A model may think for minutes before its first byte."""

RETRIES = 60
"""So many times, a second apart, is a batch of records sent again: for as long as a restart takes.
APISIX's default is to drop it at once."""

RECORDS = 50
"""Records of a batch; with the longest usage they stay below what `POST /usage` takes. Nothing that
a client wrote may stand in a record, because it could be of any length, also in a refused call."""


class Way(Enum):
    """How APISIX asks, and who counts the tokens."""

    RUNNER = "runner"
    AI_PROXY = "ai-proxy"
    POST_RESP = "post-resp"
    FORWARD_AUTH = "forward-auth"


WAYS_THAT_REPORT = (Way.RUNNER, Way.AI_PROXY)
"""Where APISIX tells `POST /usage` what a call used."""


_UNREPORTED = "# doors.http.usage_token is not set: every call is charged by its estimate."


class Form(Enum):
    """What is printed; an environment variable is referred to differently in each."""

    STANDALONE = "apisix.yaml"
    ADMIN = "admin.json"
    CONFIG = "config.yaml"

    def variable(self, name: str) -> str:
        """Return the reference to an environment variable."""
        return f"$ENV://{name}" if self is Form.ADMIN else f"${{{{{name}}}}}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the services rely on: the profile, and our HTTP service as APISIX reaches it.

    `gatepass_url` has no path. `reports` says whether usage may be reported there.
    """

    profile: str
    gatepass_url: str
    reports: bool
    headers: DecidingHeaders


def declare(services: Sequence[Service], way: Way, form: Form, around: Surroundings) -> str:
    """Return apisix.yaml, or one JSON document whose members are those of the Admin API."""
    document: dict[str, Value] = {
        "services": [_service(service, way, form, around) for service in services],
        "routes": [_route(service) for service in services],
    }
    if form is Form.ADMIN:
        return json.dumps(document, indent=2) + "\n"
    lines = [
        "# APISIX's configuration for Gatepass, printed by `gatepass apisix config`; it belongs to",
        "# what `gatepass apisix config --print config.yaml` prints. A service or a route that is",
        "# added needs the same plugins: without them it is open.",
        *([] if around.reports or way not in WAYS_THAT_REPORT else [_UNREPORTED]),
        "",
    ]
    return "\n".join(lines) + "\n" + yaml_text(document) + "#END\n"


def _service(service: Service, way: Way, form: Form, around: Surroundings) -> dict[str, Value]:
    entity: dict[str, Value] = {"id": service.name, "name": service.name}
    if way is Way.AI_PROXY:
        return {**entity, "plugins": _ai_proxy(service, form, around)}
    if way is Way.RUNNER:
        plugins = _runner(form, around)
    elif way is Way.POST_RESP:
        plugins = _asking(GUARD, around.profile) | _asking(RESPONSES, around.profile)
    else:
        plugins = forward_auth_plugins(around.gatepass_url, around.profile, around.headers)
    return {**entity, "upstream": _upstream(service.url), "plugins": plugins}


def _upstream(url: str) -> dict[str, Value]:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.netloc.removesuffix(f":{parts.port}")
    return {
        "type": "roundrobin",
        "scheme": parts.scheme,
        "nodes": [{"host": host, "port": port, "weight": 1}],
        "pass_host": "node",
        "timeout": {"connect": 5, "send": 60, "read": READ_SECONDS},
    }


def _runner(form: Form, around: Surroundings) -> dict[str, Value]:
    plugins = _asking(GUARD, around.profile)
    if around.reports:
        plugins[MARK_PLUGIN] = {"phase": "rewrite", "functions": [mark_snippet()]}
        plugins[USAGE_PLUGIN] = {"phase": "body_filter", "functions": [usage_snippet()]}
        plugins[LOGGER] = _logger(
            form,
            around,
            request_id=REQUEST_VARIABLE,
            status="status",
            bytes_sent="upstream_bytes_sent",
            usage=USAGE_VARIABLE,
            usage_head=USAGE_HEAD_VARIABLE,
        )
    return plugins


def _ai_proxy(service: Service, form: Form, around: Surroundings) -> dict[str, Value]:
    """Return the plugins where ai-proxy counts.

    Its status is no sign of what a call cost: it answers 500 for whatever the provider did not
    answer as it expected.
    """
    plugins = _asking(GUARD, around.profile)
    if around.reports:
        plugins[MARK_PLUGIN] = {"phase": "rewrite", "functions": [mark_snippet()]}
        plugins[LOGGER] = _logger(
            form,
            around,
            request_id=REQUEST_VARIABLE,
            status="upstream_status",
            prompt_tokens="llm_prompt_tokens",
            completion_tokens="llm_completion_tokens",
        )
    credential = form.variable(UPSTREAM_AUTHORIZATION_VARIABLE)
    plugins["ai-proxy"] = {
        "provider": "openai-compatible",
        "auth": {"header": {"Authorization": credential}},
        "override": {"endpoint": service.url},
        "timeout": READ_SECONDS * 1000,
    }
    return plugins


def _asking(plugin: str, profile: str) -> dict[str, Value]:
    """Return a plugin of APISIX's that asks our runner."""
    value = json.dumps({PROFILE_FIELD: profile})
    conf: Value = [{"name": PLUGIN_NAME, "value": value}]
    return {plugin: {"conf": conf, "allow_degradation": False}}


def _logger(form: Form, around: Surroundings, **variables: str) -> Mapping[str, Value]:
    return {
        "uri": around.gatepass_url + USAGE_PATH,
        "auth_header": form.variable(AUTHORIZATION_VARIABLE),
        "log_format": {name: f"${variable}" for name, variable in variables.items()},
        "batch_max_size": RECORDS,
        "inactive_timeout": 1,
        "buffer_duration": 2,
        "max_retry_count": RETRIES,
        "retry_delay": 1,
    }


def _route(service: Service) -> dict[str, Value]:
    uris = [uri for path in service.paths for uri in _uris(path)]
    return {"id": service.name, "name": service.name, "uris": uris, "service_id": service.name}


def _uris(prefix: str) -> list[str]:
    """Return what APISIX matches a prefix by: the path itself, and all below it."""
    bare = prefix.rstrip("/")
    return [f"{bare}/*"] if prefix.endswith("/") else [bare, f"{bare}/*"]
