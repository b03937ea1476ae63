"""Values of rows as people and machines read them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.declared.budget_values import budget_texts
from gatepass.plugin.declared.rows import Value
from gatepass.plugin.directory.changes.money import NamedBudget
from gatepass.plugin.settings.budget_text import budget_text
from gatepass.rbac.budgets import Limit, Raise, Unit
from gatepass.rbac.windows import FOREVER

_WORDS = {None: "none", True: "true", False: "false"}


def value_text(value: Value) -> str:
    """Return a value in the words of a file, in one line that commands no terminal."""
    if isinstance(value, BudgetTemplate):
        whole, of_models = budget_texts(value)
        parts = [f"{printable(pattern)} {text}" for pattern, text in of_models.items()]
        return ", ".join([*([] if whole is None else [whole]), *parts])
    if isinstance(value, NamedBudget):
        return f"{printable(value.budget_id)} (named)"
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        pairs = (f"{printable(name)}: {printable(model)}" for name, model in value.items())
        return f"{{{', '.join(pairs)}}}"
    return f"[{', '.join(map(printable, value))}]"


def raise_text(raised: Raise | None) -> str:
    """Return by how much a budget is raised, and until when."""
    if raised is None:
        return "none"
    limits = [Limit(unit, raised.plus(unit)) for unit in Unit if raised.plus(unit)]
    until = datetime.fromtimestamp(raised.until, UTC).isoformat(timespec="seconds")
    return f"{budget_text(limits, FOREVER)} until {until}"


def json_value(value: Value) -> object:
    """Return a value for a JSON document: a budget as its texts, a named one by its id."""
    if isinstance(value, BudgetTemplate):
        whole, of_models = budget_texts(value)
        return {"budget": whole, "model_budgets": of_models} if of_models else whole
    if isinstance(value, NamedBudget):
        return {"budget_id": value.budget_id}
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def printable(text: str) -> str:
    """Return a text without what a terminal would take for a command."""
    return text if text.isprintable() else ascii(text)
