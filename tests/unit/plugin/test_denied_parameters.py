"""The page of parameters says what the tables say, and each name stands in one place."""

from pathlib import Path

import pytest

from gatepass.plugin.denied_parameters import DENIED_BY_CHOICE, DENIED_PARAMETERS, OF_A_TOOL
from gatepass.plugin.parameters import (
    FILE_NESTING,
    FILE_PARAMETERS,
    MAX_LISTED_MODELS,
    MODEL_PARAMETERS,
    NESTING,
    TARIFFS,
)

DOCS = Path(__file__).resolve().parents[3] / "docs" / "parameters.md"

INTRODUCTION = """# Parameters: members of a request that are judged or refused

An upstream obeys more of a request than its `model`. What would have it use another model, place,
key or price than the one that was judged is refused with 403 `parameter_denied`, in the body, in
its parts (below), and in the query, whatever its value and in whatever letters.
`allow_parameters` of a [profile](settings.md#profilesname) lets single ones pass, in the
spelling of this page; nobody judges them then. This page is printed from
`plugin/denied_parameters.py` and `plugin/parameters.py` by a test.

| it chooses | members |
| --- | --- |
"""

BETWEEN = """
A tool may have {tools} of its own: they go to the tool's server.

The list is closed and made by hand: an upstream that obeys a member which is not in it does so
unseen. Know what yours takes from a body.

## Tariffs

These are refused too, but for the values that cost no more than the model's price, `null`, and
numbers:

| member | values that pass |
| --- | --- |
"""

END = """
## Models

Each model that stands in these is judged and priced like the body's own:

- `model`, in the body and in the bodies of a batch (`requests`)
- {models}: up to {most} names in all, as [settings](settings.md#profilesname) says
- `model` at any depth inside of {nesting}; the schemas of a tool's parameters are passed over

## Files

Where a rule about models or a limit binds the caller, a request that names a file of requests is
refused with 403 `file_not_shown`, because nobody sees which models they use, nor how many they
are: {files}, in the body or in its `{batch}`.
"""


def code(names: frozenset[str] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


def page() -> str:
    choices = [f"| {choice} | {code(names)} |\n" for choice, names in DENIED_BY_CHOICE.items()]
    tariffs = [f"| `{name}` | {code(values)} |\n" for name, values in TARIFFS.items()]
    end = END.format(
        models=code(MODEL_PARAMETERS),
        most=MAX_LISTED_MODELS,
        nesting=code(NESTING),
        files=code(FILE_PARAMETERS),
        batch=FILE_NESTING,
    )
    between = BETWEEN.format(tools=code(OF_A_TOOL))
    return INTRODUCTION + "".join(choices) + between + "".join(tariffs) + end


def test_the_page_of_parameters_is_true() -> None:
    if not DOCS.exists() or DOCS.read_text() != page():
        DOCS.write_text(page())
        raise AssertionError(
            "docs/parameters.md was not true; it has been printed anew, look at it"
        )


def test_a_name_has_one_meaning() -> None:
    assert len(DENIED_PARAMETERS) == sum(map(len, DENIED_BY_CHOICE.values()))
    others = MODEL_PARAMETERS | FILE_PARAMETERS | NESTING | TARIFFS.keys() | {"model"}
    assert DENIED_PARAMETERS.isdisjoint(others)
    assert OF_A_TOOL <= DENIED_PARAMETERS


@pytest.mark.parametrize(
    "name",
    [
        *("context_window_fallback_dict", "hf_model_name", "base_model", "model_info"),
        *("client_id", "client_secret", "tenant_id", "azure_username", "region_name"),
        *("organization", "headers", "extra_query", "data_sources", "dataSources"),
        *("input_cost_per_token", "output_cost_per_token"),
    ],
)
def test_sec_58_what_the_peer_takes_from_a_call_is_denied(name: str) -> None:
    assert name in DENIED_PARAMETERS
