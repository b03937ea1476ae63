"""What our runner, its Lua and its configuration call each other by inside APISIX.

Nothing but a header's name is imported here: whatever speaks with APISIX may know these names.
"""

from gatepass.plugin.headers import REQUEST_ID as REQUEST_ID  # noqa: PLC0414 - one of the names

PLUGIN_NAME = "gatepass"
"""The one plugin that the runner answers for, in the `conf` of ext-plugin-pre-req."""

PROFILE_FIELD = "profile"

GUARD = "ext-plugin-pre-req"
PRIORITY = 12000
"""APISIX runs higher numbers first, and all of a request's rewrite phase before its access phase.
ext-plugin-pre-req works in the rewrite phase: before us come zipkin 12011, request-id 12015 and
what stands still higher, after us all that checks, counts, or rewrites by identity."""

RESPONSES = "ext-plugin-post-resp"
"""Asks our runner about the response; APISIX then fetches it from the upstream by itself."""

MARK_PLUGIN = "serverless-pre-function"
USAGE_PLUGIN = "serverless-post-function"
LOGGER = "http-logger"

REQUEST_ID_VARIABLE = "http_" + REQUEST_ID.decode().replace("-", "_")
"""The same as APISIX's variable: of a request that nobody judged it is the client's own."""

REQUEST_VARIABLE = "gatepass_request"
"""The id of a request that was let through, and only of such a one. The header that carries it
upstream would not do: APISIX logs refused requests too, with whatever the client sent."""

USAGE_VARIABLE = "llm_usage"
USAGE_HEAD_VARIABLE = "llm_usage_head"
"""What the end and the beginning of a response say that the call used."""

USAGE_PATH = "/usage"

AUTHORIZATION_VARIABLE = "GATEPASS_USAGE_AUTHORIZATION"
"""Holds `Bearer ` and doors.http.usage_token, in APISIX's environment."""

UPSTREAM_AUTHORIZATION_VARIABLE = "UPSTREAM_AUTHORIZATION"
"""Holds what ai-proxy sends the provider as its Authorization."""
