"""The members of a request that an upstream obeys over our verdict, wherever they stand.

Denied are members that choose another model, endpoint or credential than the one that is judged, at
the top of a body, in the parts of a body that an upstream reads as requests of their own, and in a
query. Models that stand in such parts are judged like the body's own, and so are those that stand
by for it: `fallbacks` and its kin at the top of a body are read where they plainly are names, and
denied where they are anything else. The schemas of a tool's parameters are passed over: a property
may well be called `model` there, and nobody obeys it.

Denied too are members that choose a dearer tariff than the one that prices know (TARIFFS). Members
that name a file in which the upstream finds further requests (`names_files`) are told, because
neither their models nor their number can be judged.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gatepass.plugin.denied_parameters import DENIED_PARAMETERS, OF_A_TOOL
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.reasons import Reason
from gatepass.rbac.models import MAX_MODEL_CHARS

MODEL_PARAMETERS = frozenset(
    {"fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "models"}
)
"""Members that list further models: names, or objects that give lists of names to a name."""

MAX_LISTED_MODELS = 100
"""How many models such members may list in all; each of them is judged and priced."""

_TIERS = frozenset({"auto", "default", "standard", "standard_only", "on_demand", "flex"})
TARIFFS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "service_tier": _TIERS,
        "serviceTier": _TIERS,
        "speed": frozenset({"standard"}),
        "inference_geo": frozenset({"global"}),
        "performanceConfig": frozenset(),
    }
)
"""Members that choose a tariff, and the values that cost no more than the price of the model.

OpenAI's priority, Groq's performance, Anthropic's fast and US-only answers and Amazon's optimized
latency cost more. A number is none of these: the speed of a voice.
"""

FILE_PARAMETERS = frozenset(
    {
        *("input_file_id", "input_file_ids", "data_source"),
        *("training_file", "training_files", "training_file_id", "training_file_ids"),
        *("validation_file", "validation_files", "validation_file_id", "validation_file_ids"),
        *("input_config", "inputConfig", "inputDataConfig", "trainingDataConfig"),
    }
)
"""Members that say where further requests, or the data of a training, stand."""

FILE_NESTING = "batch"
"""Gemini's batches have such a member inside."""

_TOOLS = "tools"
NESTING = frozenset(
    {
        *("completion", "ingest_options", "request_body", "rerank", _TOOLS),
        *("session", "audio", "input_audio_transcription"),  # of realtime calls
        *("method", "grader", "testing_criteria"),  # a model that grades another one's answers
        "plugins",  # OpenRouter's
    }
)
"""Members inside of which an upstream reads models and the like."""

_DENIED_INSIDE = frozenset(name.casefold() for name in DENIED_PARAMETERS | MODEL_PARAMETERS)
_DENIED_IN_TOOLS = _DENIED_INSIDE - OF_A_TOOL
_TARIFFS_FOLDED = {name.casefold(): name for name in TARIFFS}
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


def is_dearer(tariff: str, value: object) -> bool:
    """Tell whether a member of TARIFFS may make a call dearer than its model's price."""
    if value is None or type(value) is int or type(value) is float:
        return False
    return not isinstance(value, str) or value not in TARIFFS[tariff]


def names_files(members: Mapping[str, object]) -> bool:
    """Tell whether a body says that what is asked for stands in a file."""
    batch = members.get(FILE_NESTING)
    for holder in (members, batch if isinstance(batch, dict) else {}):
        if any(holder[name] is not None for name in FILE_PARAMETERS.intersection(holder)):
            return True
    return False


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
    waiting = [(members[name], name == _TOOLS) for name in NESTING.intersection(members)]
    while waiting:
        value, of_tools = waiting.pop()
        if isinstance(value, list):
            waiting += [(entry, of_tools) for entry in value]
        elif isinstance(value, dict):
            denied = _DENIED_IN_TOOLS if of_tools else _DENIED_INSIDE
            for name, inner in value.items():
                folded = name.casefold()
                if folded == "model" and inner is not None:
                    yield plain_name(inner)
                elif name not in allowed and (folded in denied or _is_dearer(folded, inner)):
                    raise RequestRefused(Reason.PARAMETER_DENIED)
                elif folded not in _SCHEMAS:
                    waiting.append((inner, of_tools or folded == _TOOLS))


def _is_dearer(folded: str, value: object) -> bool:
    tariff = _TARIFFS_FOLDED.get(folded)
    return tariff is not None and is_dearer(tariff, value)


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
