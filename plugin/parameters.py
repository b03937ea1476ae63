"""The members of a request that an upstream obeys over our verdict, wherever they stand.

Denied are members that choose another model, endpoint or credential than the one that is judged, at
the top of a body, in the parts of a body that an upstream reads as requests of their own, and in a
query. Models that stand in such parts are judged like the body's own, and so are those that stand
by for it: `fallbacks` and its kin at the top of a body are read where they plainly are names, and
denied where they are anything else. The schemas of a tool's parameters are passed over: a property
may well be called `model` there, and nobody obeys it.
"""

from collections.abc import Iterator, Mapping

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.reasons import Reason
from gatepass.rbac.models import MAX_MODEL_CHARS

MODEL_PARAMETERS = frozenset(
    {"fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "models"}
)
"""Members that list further models: names, or objects that give lists of names to a name."""

MAX_LISTED_MODELS = 100
"""How many models such members may list in all; each of them is judged and priced."""

DENIED_PARAMETERS = frozenset(
    {
        # other models than the one that is judged
        "model_list",
        "target_model_names",
        "agent",
        "deployment_id",
        "custom_llm_provider",
        # other endpoints
        "api_base",
        "base_url",
        "api_type",
        "api_version",
        "aws_bedrock_runtime_endpoint",
        "aws_sts_endpoint",
        "deployment_url",
        "s3_endpoint_url",
        "sagemaker_base_url",
        # other credentials
        "api_key",
        "aws_access_key_id",
        "aws_profile_name",
        "aws_region_name",
        "aws_role_name",
        "aws_secret_access_key",
        "aws_session_name",
        "aws_session_token",
        "aws_web_identity_token",
        "azure_ad_token",
        "litellm_credential_name",
        "litellm_metadata",
        "litellm_params",
        "router_settings_override",
        "user_config",
        "vertex_credentials",
        "vertex_location",
        "vertex_project",
        "vertex_ai_credentials",
        "vertex_ai_location",
        "vertex_ai_project",
        # what is merged into the upstream's own request
        "extra_body",
        "extra_headers",
        "mock_response",
        "prompt_id",
    }
)
"""Members that a proxy upstream would obey over our verdict (the peer's PR #30575)."""

NESTING = frozenset({"completion", "ingest_options", "request_body", "rerank", "session", "tools"})
"""Members inside of which an upstream reads models and the like."""

_DENIED_INSIDE = DENIED_PARAMETERS | MODEL_PARAMETERS
_SCHEMAS = frozenset({"input_schema", "inputschema", "json_schema", "parameters", "schema"})


def listed_models(members: Mapping[str, object], allowed: frozenset[str]) -> list[str]:
    """Return the models that stand by in a body; members that are `allowed` are not looked at.

    Raises:
        RequestRefused: PARAMETER_DENIED for what is not plainly a list of names, or for too many,
            MODEL_DENIED for a name that is not plain.

    """
    models: list[str] = []
    for parameter in MODEL_PARAMETERS.intersection(members).difference(allowed):
        value = members[parameter]
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict):
                for name, names in entry.items():
                    models += [plain_name(name), *_plain_names(names)]
            else:
                models += _plain_names([entry])
    if len(models) > MAX_LISTED_MODELS:
        raise RequestRefused(Reason.PARAMETER_DENIED)
    return models


def _plain_names(names: object) -> list[str]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RequestRefused(Reason.PARAMETER_DENIED)
    return [plain_name(name) for name in names]


def batched(requests: object) -> Iterator[Mapping[str, object]]:
    """Yield the bodies of a batch: of each entry its `params`, or the entry itself."""
    for entry in requests if isinstance(requests, list) else ():
        if isinstance(entry, dict):
            params = entry.get("params")
            yield params if isinstance(params, dict) else entry


def nested_models(members: Mapping[str, object], allowed: frozenset[str]) -> Iterator[str]:
    """Yield the models that the nesting members of a body name, at whatever depth.

    Raises:
        RequestRefused: PARAMETER_DENIED for a denied member inside, MODEL_DENIED for a `model` that
            is no single plain name.

    """
    waiting = [members[name] for name in NESTING.intersection(members)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            for name, inner in value.items():
                folded = name.casefold()
                if folded == "model" and inner is not None:
                    yield plain_name(inner)
                elif folded in _DENIED_INSIDE and name not in allowed:
                    raise RequestRefused(Reason.PARAMETER_DENIED)
                elif folded not in _SCHEMAS:
                    waiting.append(inner)


def plain_name(model: object) -> str:
    """Return what stands for a model if it is one model's name: no list, no blanks, printable.

    Raises:
        RequestRefused: MODEL_DENIED.

    """
    if (
        isinstance(model, str)
        and 0 < len(model) <= MAX_MODEL_CHARS
        and model.isprintable()
        and "," not in model
        and " " not in model
    ):
        return model
    raise RequestRefused(Reason.MODEL_DENIED)
