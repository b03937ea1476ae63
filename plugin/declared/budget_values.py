"""Budgets in files and options: one text for all models, and one for each pattern of models.

Both together are one budget of a row. In its normal form (BudgetTemplate.normal) two that say the
same are equal, whatever the order in which they were written.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.settings.budget_text import budget_text
from gatepass.plugin.settings.problems import BadValue
from gatepass.plugin.settings.values import to_budget, to_text
from gatepass.rbac.budgets import MAX_MODELS_PER_BUDGET
from gatepass.rbac.models import compile_models


class ModelBudgets(NamedTuple):
    """The part of a budget that is for some models: a pattern and what may be used of them."""

    entries: tuple[tuple[str, BudgetTemplate], ...]


def to_whole_budget(value: object) -> BudgetTemplate:
    """Return the part of a budget that is for all models."""
    return to_budget(value).normal()


def to_model_budgets(value: object) -> ModelBudgets:
    """Return the part of a budget that is for some models, from a mapping of patterns to texts."""
    if not isinstance(value, Mapping) or not value:
        raise BadValue('must be a mapping of model patterns to budgets, such as "$5 per day"')
    if len(value) > MAX_MODELS_PER_BUDGET:
        raise BadValue(f"names more than {MAX_MODELS_PER_BUDGET} patterns")
    entries = []
    for pattern, text in value.items():
        model = to_text(pattern)
        try:
            compile_models((model,))
        except ValueError as wrong:
            raise BadValue(str(wrong)) from wrong
        entries.append((model, to_budget(text)))
    return ModelBudgets(tuple(entries))


def together(whole: BudgetTemplate | None, models: ModelBudgets) -> BudgetTemplate:
    """Return one budget of both parts."""
    of_models = [
        replace(limit, model=pattern, window=budget.window)
        for pattern, budget in models.entries
        for limit in budget.limits
    ]
    base = whole or BudgetTemplate(())
    return BudgetTemplate((*base.limits, *of_models), base.window).normal()


def budget_texts(budget: BudgetTemplate) -> tuple[str | None, dict[str, str]]:
    """Return the texts of a budget's parts: for all models, and for each pattern."""
    whole = [limit for limit in budget.limits if limit.model is None]
    patterns = [limit for limit in budget.limits if limit.model is not None]
    texts = {}
    for pattern, limits in groupby(patterns, key=lambda limit: limit.model or ""):
        of_it = list(limits)
        texts[pattern] = budget_text(of_it, of_it[0].window or budget.window)
    return budget_text(whole, budget.window) if whole else None, texts
