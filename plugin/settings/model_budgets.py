"""Settings of budgets for some models only."""

from collections.abc import Iterator, Sequence

from pydantic import Field

from gatepass.plugin.settings.fields import BudgetText, ModelPattern
from gatepass.plugin.settings.problems import Finding, repeated
from gatepass.plugin.settings.section import Section


class ModelBudgetSettings(Section):
    """What may be used of some models; every other limit holds as well."""

    model: ModelPattern = Field(description="A model name, with * for any run of characters.")
    budget: BudgetText = Field(description="A budget, such as $5 per day.")


def repeated_models(name: str, entries: Sequence[ModelBudgetSettings]) -> Iterator[Finding]:
    """Yield the entries of a setting whose pattern stands in an earlier one."""
    yield from repeated(
        [((name, index, "model"), entry.model) for index, entry in enumerate(entries)],
        "the same pattern stands in an entry above",
    )
