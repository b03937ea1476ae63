"""Does a call name a model, and where? Judged by method and path alone, from closed tables.

Rules, in order: a method without a body names none, except for the streams that GET opens and whose
model stands where we do not read it; a path that names the model itself need not name one in the
body; routes of management, information, files and tools name none; routes of stored objects
(batches, threads, vector stores, agents) may; everything else must, above all what no table knows.

The path is decoded here as an upstream decodes it, so that `NAME%3AgenerateContent` names the same
model as with a colon. Left to others: whether the name is plain, and whether it is allowed. What
the routes of a provider behind a pass-through name is known only for the shapes below: give such
routes to roles that may use all models.
"""

import re
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from urllib.parse import unquote

from gatepass.rbac.route_groups import ROUTE_GROUPS
from gatepass.rbac.routes import compile_routes


class ModelUse(Enum):
    """Whether the body of a call names a model."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


_WITHOUT_BODY = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})

_STREAMS = re.compile(r"(?:/.+)?/realtime|/vertex[-_]ai/live|/deepgram/.+")
"""GET opens a stream there; the model stands in its query or in its first message."""

_TAIL = (
    r"(?:chat/completions|completions|embeddings|responses|rerank|moderations|ocr"
    r"|images/(?:generations|edits|variations)|audio/(?:speech|transcriptions|translations))"
)
_GOOGLE_VERB = (
    r"(?:generateContent|streamGenerateContent|batchGenerateContent|countTokens|computeTokens"
    r"|embedContent|batchEmbedContents|asyncBatchEmbedContent"
    r"|predict|predictLongRunning|rawPredict|streamRawPredict)"
)
_MODEL_PATH = re.compile(
    rf"""
    # a known operation behind the name, else the name is one segment
    (?: /v1 | (?: /azure | /azure_ai | /openai_passthrough )? /openai (?: /v1 )? )?
    /(?: engines | deployments )/ (?: (.+?)/{_TAIL} | ([^/]+)/.+ )
    # Google's custom methods
  | (?: /v1 | /v1alpha | /v1beta | /gemini/[^/]+ )? /models/ (.+):{_GOOGLE_VERB}
  | /vertex[-_]ai/.+/(?: models | endpoints )/ ([^/]+):[A-Za-z]+
    # Amazon's
  | /bedrock/model/ (.+)/[a-z-]+
    """,
    re.VERBOSE,
)

_NO_MODEL = compile_routes(
    (
        "management_routes",
        "info_routes",
        "model_info_routes",
        "spend_tracking_routes",
        "global_spend_tracking_routes",
        "internal_user_routes",
        "org_admin_only_routes",
        "directory_routes",
        "apply_guardrail_routes",
        "mcp_routes",
        "/files",
        "/files/*",
        "/v1/files",
        "/v1/files/*",
        "/containers",
        "/containers/*",
        "/v1/containers",
        "/v1/containers/*",
        "/batches/{batch_id}/cancel",
        "/v1/batches/{batch_id}/cancel",
        "/fine_tuning/jobs/{fine_tuning_job_id}/cancel",
        "/v1/fine_tuning/jobs/{fine_tuning_job_id}/cancel",
        "/responses/{response_id}/cancel",
        "/v1/responses/{response_id}/cancel",
        "/openai/v1/responses/{response_id}/cancel",
        "/interactions/{interaction_id}/cancel",
        "/v1beta/interactions/{interaction_id}/cancel",
        "/v1/skills",
        "/v1/skills/*",
        "/claude-code/plugins",
        "/claude-code/plugins/*",
        "/lens/feedback",
        "/lens/workers/*",
        "/v1/traces",
        "/v1/traces/*",
        "/v1/logs",
    ),
    ROUTE_GROUPS,
)
_MAY_NAME_ONE = compile_routes(
    (
        "agent_inference_routes",
        "/batches",
        "/v1/batches",
        "/assistants",
        "/assistants/*",
        "/v1/assistants",
        "/v1/assistants/*",
        "/threads",
        "/threads/*",
        "/v1/threads",
        "/v1/threads/*",
        "/fine_tuning/jobs",
        "/v1/fine_tuning/jobs",
        "/vector_stores",
        "/vector_stores/*",
        "/v1/vector_stores",
        "/v1/vector_stores/*",
        "/search",
        "/search/*",
        "/v1/search",
        "/v1/search/*",
        "/videos/{video_id}/remix",
        "/v1/videos/{video_id}/remix",
        "/utils/transform_request",
        "/v1beta/agents",
        "/v1beta/agents/*",
        "/lens",
        "/lens/*",
    ),
    ROUTE_GROUPS,
)


def model_use(method: str, path: str) -> ModelUse:
    """Return whether a call of this route names a model in its body."""
    if method in _WITHOUT_BODY:
        opens = method == "GET" and _STREAMS.fullmatch(path)
        return ModelUse.REQUIRED if opens else ModelUse.NONE
    return _KNOWN.get(path) or _use_of_body(path)


def model_in_path(path: str) -> str | None:
    """Return the model that the path itself names, decoded, or None.

    The text is as wild as the path that it came from: nobody has judged yet whether it is a name.
    """
    found = _MODEL_PATH.fullmatch(unquote(path) if "%" in path else path)
    return None if found is None else "".join(found.groups(""))


def _use_of_body(path: str) -> ModelUse:
    if model_in_path(path) is not None:
        return ModelUse.OPTIONAL
    if _NO_MODEL.allows("POST", path):
        return ModelUse.NONE
    if _MAY_NAME_ONE.allows("POST", path):
        return ModelUse.OPTIONAL
    return ModelUse.REQUIRED


_KNOWN: Mapping[str, ModelUse] = MappingProxyType(
    {
        path: _use_of_body(path)
        for group in ROUTE_GROUPS.values()
        for path in group
        if "{" not in path
    }
)
"""The answers for all paths that the groups write out, so that the common ones cost one look-up."""
