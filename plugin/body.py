"""What a request body says that decides: the model, and how much the call may cost at most.

The bytes read here are the bytes that go upstream, parsed strictly: a body that two parsers could
read differently (duplicate members, another encoding) is refused (SEC-58). Members that make the
upstream use another model, endpoint or credential than the one that was judged are refused unless
the profile allows them by name; a name in other letters is refused, because Go's parser would take
it for the same (also with the Kelvin sign for a k, which is why names are case-folded).

An answer is counted once per choice and prompt: a list of prompts is answered prompt by prompt, and
a batch request by request, each of which is judged like a body of its own.
Of the members that bound an answer only those count that the route's operation obeys: another one
would make the call look cheap and bound nothing.
"""

from collections.abc import Mapping, Sequence

import msgspec

from gatepass.jwks.encoding import NotStrictJson, parse_json_object
from gatepass.plugin.denied_parameters import DENIED_PARAMETERS
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.guardrails import GUARDED_MEMBERS, changes_guardrails
from gatepass.plugin.parameters import (
    FILE_NESTING,
    FILE_PARAMETERS,
    MODEL_PARAMETERS,
    NESTING,
    TARIFFS,
    batched,
    is_dearer,
    listed_models,
    names_files,
    nested_models,
    plain_name,
)
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
_NAMING = NESTING | MODEL_PARAMETERS
_DECIDING = (
    {"model", "user", "requests", FILE_NESTING, *_MULTIPLIERS, *OUTPUT_BOUNDS, *TARIFFS}
    | DENIED_PARAMETERS
    | FILE_PARAMETERS
    | _NAMING
    | GUARDED_MEMBERS
)
_FOLDED = frozenset(name.casefold() for name in _DECIDING)


class BodyFacts(msgspec.Struct, frozen=True, gc=False):
    """What the body names: all its models, the one at the top first.

    `max_output_tokens` is the request's own bound per answer, or None; `choices` says how many
    answers are asked for, at least 1. `names_user` says that it has a `user`, `names_files` that
    what is asked for stands elsewhere.
    """

    models: tuple[str, ...]
    max_output_tokens: int | None
    choices: int
    names_user: bool = False
    changes_guardrails: bool = False
    names_files: bool = False


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
    if _HARMLESS.issuperset(members):  # as most are: nobody is named, nothing is ordered
        return _facts_of(members, allowed_parameters, bounds)
    facts = _judged(members, allowed_parameters, bounds)
    requests = batched(members.get("requests"))
    parts = [_judged(part, allowed_parameters, bounds) for part in requests]
    return _together(facts, parts) if parts else facts


def _judged(
    members: Mapping[str, object], allowed_parameters: frozenset[str], bounds: Sequence[str] | None
) -> BodyFacts:
    _check_parameters(members, allowed_parameters)
    user = members.get("user")
    return msgspec.structs.replace(
        _facts_of(members, allowed_parameters, bounds),
        names_user=isinstance(user, str) and bool(user.strip()),
        changes_guardrails=changes_guardrails(members),
        names_files=names_files(members),
    )


def _facts_of(
    members: Mapping[str, object], allowed_parameters: frozenset[str], bounds: Sequence[str] | None
) -> BodyFacts:
    """Return the models and what bounds the cost; the rest is for members that are not harmless."""
    models = _models(members, allowed_parameters)
    if bounds is None:
        return BodyFacts(models, None, 1)
    choices = 1 if _MULTIPLIERS.isdisjoint(members) else _choices(members)
    return BodyFacts(models, _largest(members, bounds), choices)


def _together(batch: BodyFacts, parts: Sequence[BodyFacts]) -> BodyFacts:
    """Return what a batch says in all: every part is answered by itself."""
    limits = [part.max_output_tokens for part in parts if part.max_output_tokens is not None]
    return BodyFacts(
        models=tuple(
            dict.fromkeys((*batch.models, *(name for part in parts for name in part.models)))
        ),
        max_output_tokens=max(limits) if len(limits) == len(parts) else None,
        choices=sum(part.choices for part in parts),
        names_user=batch.names_user or all(part.names_user for part in parts),
        changes_guardrails=any(part.changes_guardrails for part in (batch, *parts)),
        names_files=any(part.names_files for part in (batch, *parts)),
    )


def _check_parameters(members: Mapping[str, object], allowed_parameters: frozenset[str]) -> None:
    for name, value in members.items():
        if name in _DECIDING:
            chooses = name in DENIED_PARAMETERS or (name in TARIFFS and is_dearer(name, value))
            denied = chooses and name not in allowed_parameters
        else:
            denied = name.casefold() in _FOLDED
        if denied:
            raise RequestRefused(Reason.PARAMETER_DENIED)


def _models(members: Mapping[str, object], allowed: frozenset[str]) -> tuple[str, ...]:
    model = members.get("model")
    named = () if model is None else (plain_name(model),)
    if _NAMING.isdisjoint(members):
        return named
    further = (*listed_models(members, allowed), *nested_models(members, allowed))
    return tuple(dict.fromkeys((*named, *further)))


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
