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

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.parameters import DENIED_PARAMETERS, NESTING, nested_models, plain_name
from gatepass.plugin.reasons import Reason

MAX_CHOICES = 128
MAX_COUNT = 10**12
"""More tokens than this are a mistake or an attack, and no amount of money."""

OUTPUT_BOUNDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_BOUNDS_BY_OPERATION = (
    ("/chat/completions", ("max_tokens", "max_completion_tokens")),
    ("/completions", ("max_tokens",)),
    ("/messages", ("max_tokens",)),
    ("/responses", ("max_output_tokens",)),
)
_CHOICES = ("n", "best_of")
_CONFIGS = ("generationConfig", "generation_config")
_CANDIDATES = ("candidateCount", "candidate_count")
_MULTIPLIERS = frozenset({*_CHOICES, *_CONFIGS, "prompt"})
_HARMLESS = frozenset(
    {"model", "messages", "input", "prompt", "stream", "temperature", "top_p", "tools", "stop"}
    | {*OUTPUT_BOUNDS, *_CHOICES}
)
"""The members of most requests, so that they need not be looked at twice."""
_DECIDING = DENIED_PARAMETERS | NESTING | {"model", *_MULTIPLIERS, *OUTPUT_BOUNDS}
_FOLDED = frozenset(name.casefold() for name in _DECIDING)


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
    models = _models(members, allowed_parameters)
    if bounds is None:
        return BodyFacts(models, None, 1)
    choices = 1 if _MULTIPLIERS.isdisjoint(members) else _choices(members)
    return BodyFacts(models, _largest(members, bounds), choices)


def _check_parameters(members: Iterable[str], allowed_parameters: frozenset[str]) -> None:
    for name in members:
        denied = (
            name not in allowed_parameters
            if name in DENIED_PARAMETERS
            else name.casefold() in _FOLDED and name not in _DECIDING
        )
        if denied:
            raise RequestRefused(Reason.PARAMETER_DENIED)


def _models(members: Mapping[str, object], allowed: frozenset[str]) -> tuple[str, ...]:
    model = members.get("model")
    named = () if model is None else (plain_name(model),)
    if NESTING.isdisjoint(members):
        return named
    return tuple(dict.fromkeys((*named, *nested_models(members, allowed))))


def _choices(members: Mapping[str, object]) -> int:
    candidates = [
        _largest(config, _CANDIDATES) or 1
        for config in map(members.get, _CONFIGS)
        if isinstance(config, dict)
    ]
    choices = max(_largest(members, _CHOICES) or 1, *candidates, 1)
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
