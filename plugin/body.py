"""What a request body says that decides: the model, and how much the call may cost at most.

The bytes read here are the bytes that go upstream, parsed strictly: a body that two parsers could
read differently (duplicate members, another encoding) is refused (SEC-58). Members that make the
upstream use another model, endpoint or credential than the one that was judged are refused unless
the profile allows them by name; a name in other letters is refused, because Go's parser would take
it for the same (also with the Kelvin sign for a k, which is why names are case-folded).

An answer is counted once per choice and prompt: a list of prompts is answered prompt by prompt.
Of the members that bound an answer only those count that the route's operation obeys: another one
would make the call look cheap and bound nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.reasons import Reason
from gatepass.rbac.models import MAX_MODEL_CHARS

MAX_CHOICES = 128
MAX_COUNT = 10**12
"""More tokens than this are a mistake or an attack, and no amount of money."""

DENIED_PARAMETERS = frozenset(
    {
        # other models than the one that is judged
        "fallbacks",
        "context_window_fallbacks",
        "content_policy_fallbacks",
        "model_list",
        "models",
        "deployment_id",
        "custom_llm_provider",
        # other endpoints
        "api_base",
        "base_url",
        "api_type",
        "api_version",
        "aws_bedrock_runtime_endpoint",
        "aws_sts_endpoint",
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
    }
)
"""Members that a proxy upstream would obey over our verdict (the peer's PR #30575)."""

OUTPUT_BOUNDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_BOUNDS_BY_OPERATION = (
    ("/chat/completions", ("max_tokens", "max_completion_tokens")),
    ("/completions", ("max_tokens",)),
    ("/messages", ("max_tokens",)),
    ("/responses", ("max_output_tokens",)),
)
_CHOICES = ("n", "best_of")
_MULTIPLIERS = frozenset({*_CHOICES, "prompt"})
_HARMLESS = frozenset(
    {"model", "messages", "input", "prompt", "stream", "temperature", "top_p", "tools", "stop"}
    | {*OUTPUT_BOUNDS, *_CHOICES}
)
"""The members of most requests, so that they need not be looked at twice."""
_SENSITIVE = DENIED_PARAMETERS | {"model", "prompt", *OUTPUT_BOUNDS, *_CHOICES}


class BodyFacts(msgspec.Struct, frozen=True, gc=False):
    """What the body names: all its models, the one at the top first.

    `max_output_tokens` is the request's own bound per answer, or None; `choices` says how many
    answers are asked for, at least 1.
    """

    models: tuple[str, ...]
    max_output_tokens: int | None
    choices: int


def output_bounds(path: str) -> tuple[str, ...]:
    """Return the members by which a request of this path bounds the length of an answer."""
    for operation, bounds in _BOUNDS_BY_OPERATION:
        if path.endswith(operation):
            return bounds
    return ()


def read_body(
    body: bytes,
    allowed_parameters: frozenset[str],
    bounds: Sequence[str] | None = OUTPUT_BOUNDS,
) -> BodyFacts:
    """Read a JSON request body; `bounds` are as in `output_bounds`, None if the cost is no matter.

    Raises:
        RequestRefused: BODY_NOT_JSON, PARAMETER_DENIED, or MODEL_DENIED for a `model` that is no
            single plain name.

    """
    try:
        members = parse_json_object(body, None)
    except NotStrictJson:
        raise RequestRefused(Reason.BODY_NOT_JSON) from None
    if not _HARMLESS.issuperset(members):
        _check_parameters(members, allowed_parameters)
    models = _models(members)
    if bounds is None:
        return BodyFacts(models, None, 1)
    choices = 1 if _MULTIPLIERS.isdisjoint(members) else _choices(members)
    return BodyFacts(models, _largest(members, bounds), choices)


def _check_parameters(members: Iterable[str], allowed_parameters: frozenset[str]) -> None:
    for name in members:
        denied = (
            name not in allowed_parameters
            if name in DENIED_PARAMETERS
            else name.casefold() in _SENSITIVE and name not in _SENSITIVE
        )
        if denied:
            raise RequestRefused(Reason.PARAMETER_DENIED)


def _models(members: Mapping[str, object]) -> tuple[str, ...]:
    model = members.get("model")
    named = () if model is None else (_plain_name(model),)
    if "session" in members:
        return tuple(dict.fromkeys((*named, *_models_within(members["session"]))))
    return named


def _models_within(session: object) -> Iterator[str]:
    """Yield what a realtime session names anywhere inside: its model, and those of its parts."""
    waiting = [session]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            for name, inner in value.items():
                if name.casefold() == "model" and inner is not None:
                    yield _plain_name(inner)
                else:
                    waiting.append(inner)


def _plain_name(model: object) -> str:
    if not isinstance(model, str) or not is_model_name(model):
        raise RequestRefused(Reason.MODEL_DENIED)
    return model


def is_model_name(text: str) -> bool:
    """Answer whether the text can be one model's name: no list, no blanks, nothing unprintable."""
    return (
        0 < len(text) <= MAX_MODEL_CHARS
        and text.isprintable()
        and "," not in text
        and " " not in text
    )


def _choices(members: Mapping[str, object]) -> int:
    choices = _largest(members, _CHOICES) or 1
    if choices > MAX_CHOICES:
        raise RequestRefused(Reason.BODY_NOT_JSON)
    return choices * _prompts(members.get("prompt"))


def _prompts(prompt: object) -> int:
    """Return how many prompts there are: a list of numbers is one, written as its tokens."""
    if not isinstance(prompt, list) or not prompt or type(prompt[0]) is int:
        return 1
    return len(prompt)


def _largest(members: Mapping[str, object], names: Sequence[str]) -> int | None:
    """Return the largest of the counts that stand under these names, None when none does."""
    largest = None
    for name in names:
        value = members.get(name)
        if value is not None:
            count = _count(value)
            if largest is None or count > largest:
                largest = count
    return largest


def _count(value: object) -> int:
    """Return a whole number as it stands; a spelling that an upstream might coerce is refused."""
    if type(value) is not int or not 0 <= value <= MAX_COUNT:
        raise RequestRefused(Reason.BODY_NOT_JSON)
    return value
