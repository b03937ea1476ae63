"""The settings of the memory of verified tokens: how many, how much memory, how long at most."""

from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.plugin.settings.fields import MemorySize, Time
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_count

MAX_TOKENS = 1_000_000


def _to_token_count(value: object) -> int:
    tokens = to_count(value)
    if not 1 <= tokens <= MAX_TOKENS:
        raise BadValue(f"must be from 1 to {MAX_TOKENS}")
    return tokens


TokenCount = Annotated[
    int,
    PlainValidator(_to_token_count),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": r"^([0-9]+)$|\$\{.+\}",
            "minimum": 1,
            "maximum": MAX_TOKENS,
        }
    ),
]


class TokenCacheSettings(Section):
    """How verified tokens are remembered, so that their signature is verified once."""

    max_tokens: TokenCount = Field(default=10_000, description="How many tokens at most.")
    max_bytes: MemorySize = Field(
        default=32 * 1024 * 1024,
        description="How much memory they may take, at most 4096MiB for each process.",
    )
    max_age: Time = Field(
        default=300,
        description="After how long a token is verified again at the latest. A duration.",
    )
