"""The settings of prices: what a model costs, from when to when."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.plugin.metering.price_table import PriceEntry
from gatepass.plugin.metering.prices import PartRates, Price
from gatepass.plugin.settings.fields import Count, ModelPattern, Money
from gatepass.plugin.settings.problems import BadValue, Finding, repeated
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_text

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})"
_MOMENT = re.compile(f"{_DAY}({_TIME})?")


def to_moment(value: object) -> float:
    """Return seconds since the epoch; a day alone begins at midnight, UTC."""
    text = to_text(value)
    if _MOMENT.fullmatch(text):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:  # such as the 31st of April
            pass
        else:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    raise BadValue("not a moment; write it as 2026-11-01, or as 2026-11-01T08:00:00Z")


Moment = Annotated[
    float,
    PlainValidator(to_moment),
    WithJsonSchema(
        {"type": "string", "pattern": rf"^{_DAY}({_TIME})?$|\$\{{.+\}}", "examples": ["2026-11-01"]}
    ),
]


class _RateSettings(Section):
    """What tokens cost, in dollars per million."""

    input: Money = Field(description="Dollars per million input tokens.")
    output: Money = Field(description="Dollars per million output tokens.")
    cached_input: Money | None = Field(
        default=None, description="Input that was read from a cache; by default like other input."
    )
    cache_write: Money | None = Field(
        default=None, description="Input that was kept in a cache; by default like other input."
    )
    cache_write_1h: Money | None = Field(
        default=None, description="Input that is kept for an hour; by default like `cache_write`."
    )
    reasoning: Money | None = Field(
        default=None, description="Output that was thought; by default like other output."
    )
    input_audio: Money | None = Field(
        default=None, description="Audio input; by default like other input."
    )
    cached_audio: Money | None = Field(
        default=None, description="Audio that was read from a cache; by default like other audio."
    )
    output_audio: Money | None = Field(
        default=None, description="Audio output; by default like other output."
    )

    def part_rates(self) -> PartRates:
        """Return the rates of parts."""
        return PartRates(
            self.cached_input,
            self.cache_write,
            self.cache_write_1h,
            self.reasoning,
            self.input_audio,
            self.cached_audio,
            self.output_audio,
        )


class LongContextSettings(_RateSettings):
    """What all tokens of a call with a long input cost."""

    above: Count = Field(description="The call has more input tokens than this.")


class PriceSettings(_RateSettings):
    """What models cost."""

    model: ModelPattern = Field(
        description="A model name, with * for any run of characters; the longest match counts."
    )
    max_output_tokens: Count = Field(
        description="The most tokens of one answer: what is reserved when a request sets no limit."
    )
    per_request: Money = Field(default=0, description="Dollars per call, on top of its tokens.")
    long_context: tuple[LongContextSettings, ...] = Field(
        default=(), description="Other prices for calls with a long input."
    )
    since: Moment | None = Field(
        default=None,
        description="When the price begins: a day, at midnight UTC, or a moment. It takes the "
        "place of an entry for the same model that began earlier.",
    )
    until: Moment | None = Field(default=None, description="When the price ends.")

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield what can never count."""
        if "long_context" in right:
            yield from repeated(
                [
                    (("long_context", index, "above"), str(tier.above))
                    for index, tier in enumerate(self.long_context)
                ],
                "the same number stands in an entry above",
            )
        if {"since", "until"} <= right and not _begins(self.since) < _ends(self.until):
            yield Finding(("until",), "the price ends before it begins")

    def to_entry(self) -> PriceEntry:
        """Return the line of the price table."""
        return PriceEntry(
            self.model,
            self.input,
            self.output,
            self.max_output_tokens,
            self.part_rates(),
            self.per_request,
            tuple(
                (
                    tier.above,
                    Price(
                        tier.input,
                        tier.output,
                        self.max_output_tokens,
                        tier.part_rates(),
                        self.per_request,
                    ),
                )
                for tier in self.long_context
            ),
            _begins(self.since),
            _ends(self.until),
        )


def _begins(since: float | None) -> float:
    return float("-inf") if since is None else since


def _ends(until: float | None) -> float:
    return float("inf") if until is None else until
