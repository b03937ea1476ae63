"""The settings of money: who counts it, what models cost, and how long a bill may take."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.plugin.budgets.engines import BudgetEngine
from gatepass.plugin.settings.fields import Count, ModelPattern, Money, Time
from gatepass.plugin.settings.problems import BadValue, Finding, repeated
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_text


def _to_engine(value: object) -> BudgetEngine:
    try:
        return BudgetEngine(to_text(value))
    except ValueError as unknown:
        raise BadValue(f"must be one of {', '.join(BudgetEngine)}") from unknown


Engine = Annotated[
    BudgetEngine,
    PlainValidator(_to_engine),
    WithJsonSchema({"type": "string", "enum": [engine.value for engine in BudgetEngine]}),
]


class PriceSettings(Section):
    """What models cost."""

    model: ModelPattern = Field(
        description="A model name, with * for any run of characters; the longest match counts."
    )
    input: Money = Field(description="Dollars per million input tokens.")
    output: Money = Field(description="Dollars per million output tokens.")
    max_output_tokens: Count = Field(
        description="The most tokens of one answer: what is reserved when a request sets no limit."
    )


class BudgetSettings(Section):
    """Money: who counts it, prices, and how long a reservation waits for its bill."""

    engine: Engine = Field(
        default=BudgetEngine.MEMORY,
        json_schema_extra={"default": BudgetEngine.MEMORY.value},
        description="memory counts in process; none counts nothing and refuses every caller with "
        "a money limit.",
    )
    reservation_timeout: Time = Field(
        default=600,
        description="How long after a request its cost may be reported; then the reserved amount "
        "is charged. A duration.",
    )
    prices: tuple[PriceSettings, ...] = Field(
        default=(), description="The price table; without a price, a money limit refuses a model."
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the prices that would never count."""
        if "prices" in right:
            yield from repeated(
                [(("prices", index), price.model) for index, price in enumerate(self.prices)],
                "the same model stands in an entry above",
            )
