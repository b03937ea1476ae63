"""One model under several names: a limit for it holds under each of them."""

import pytest

from gatepass.rbac.models import MAX_MODEL_CHARS
from gatepass.rbac.spellings import AnySpelling, Spellings

OURS = Spellings({"openai": ("gpt-*", "o1"), "Acme": ("Own-*",)})


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("gpt-4o", ["gpt-4o", "openai/gpt-4o"]),
        ("GPT-4o", ["gpt-4o", "openai/gpt-4o"]),
        ("OpenAI/GPT-4o", ["openai/gpt-4o", "gpt-4o"]),
        ("azure/gpt-4o", ["azure/gpt-4o", "gpt-4o"]),
        (
            "openrouter/openai/gpt-4o",
            ["openrouter/openai/gpt-4o", "openai/gpt-4o", "gpt-4o"],
        ),
        ("acme/own-1", ["acme/own-1", "own-1"]),
        ("own-1", ["own-1", "acme/own-1"]),
        ("nobody/gpt-4o", ["nobody/gpt-4o"]),
        ("groq/nobody/gpt-4o", ["groq/nobody/gpt-4o", "nobody/gpt-4o"]),
        ("openai/", ["openai/"]),
        ("/gpt-4o", ["/gpt-4o"]),
        ("other", ["other"]),
    ],
)
def test_a_model_goes_under_these_names(model: str, names: list[str]) -> None:
    assert OURS.names_of(model) == names


@pytest.mark.parametrize(
    ("pattern", "model", "holds"),
    [
        ("gpt-4o*", "gpt-4o-mini", True),
        ("gpt-4o*", "GPT-4O", True),
        ("GPT-4o", "gpt-4o", True),
        ("gpt-4o*", "openai/gpt-4o", True),
        ("gpt-4o*", "Azure/GPT-4o", True),
        ("openai/gpt-4o*", "gpt-4o", True),
        ("openai/*", "o1", True),
        ("openai/gpt-4o*", "azure/gpt-4o", False),
        ("gpt-4o*", "nobody/gpt-4o", False),
        ("gpt-4o", "gpt-4o-mini", False),
        ("*", "\N{LATIN SMALL LETTER SHARP S}" * MAX_MODEL_CHARS, True),
    ],
)
def test_sec_59_a_pattern_holds_under_every_name(pattern: str, model: str, *, holds: bool) -> None:
    assert AnySpelling(pattern).holds_for(OURS.names_of(model)) is holds
