"""Budgets that LiteLLM's rows share by an id, and what rows had spent.

A budget without a limit is no budget here; one that is named and is not in the export refuses
whoever names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal

from gatepass.plugin.budgets.amounts import MAX_NANO_USD, NANO_PER_USD
from gatepass.plugin.declared.rows import Fields, Kind, RowId, Value
from gatepass.plugin.directory.changes.money import NamedBudget
from gatepass.plugin.importers.litellm_row import RowReader
from gatepass.plugin.importers.litellm_row_limits import NOT_LIMITS, read_limit
from gatepass.plugin.importers.row_notes import RowNotes

NESTED = "litellm_budget_table"
"""Where list endpoints put the row of the budget that a row names."""

_SILENT = ("created_at", "created_by", "updated_at", "updated_by", "budget_reset_at")


@dataclass(frozen=True, slots=True)
class Spending:
    """What a row had spent, in nano-dollars, when it was exported, and when its window ends."""

    row: RowId
    nano_usd: int
    resets_at: int | None


@dataclass(slots=True)
class BudgetTable:
    """The budgets that rows may name: those with a limit are rows here, too."""

    rows: dict[RowId, Fields] = field(default_factory=dict)
    models: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The models that a budget leaves to a member of a team; empty is no restriction."""

    def read(self, row: Mapping[str, object], notes: RowNotes) -> None:
        """Take a row of the table of budgets; the first of an id counts, and the others are it."""
        note = notes.open("budget", str(row.get("budget_id") or "?"))
        reader = RowReader(row, note)
        budget_id = reader.text("budget_id")
        limit = read_limit(reader)
        models = reader.texts("allowed_models")
        reader.nothing_left(meant=NOT_LIMITS, silent=_SILENT)
        if budget_id is None:
            note.refused("budget_id: is missing")
        if note.is_refused or budget_id is None:
            return
        self.models[budget_id] = models
        if limit is None:
            note.changed("has no limit: there is nothing to store")
        else:
            self.rows[RowId(Kind.BUDGET, (budget_id,))] = {"limit": limit}

    def find(self, reader: RowReader, notes: RowNotes, column: str = "budget_id") -> Value:
        """Return the budget that a row names, shared as it is there, or None for no limit."""
        budget_id = reader.text(column)
        nested = dict(reader.mapping(NESTED)) if column == "budget_id" else {}
        if budget_id is None and nested.get("budget_id") is None:
            inner = RowReader(nested, reader.note)
            limit = read_limit(inner)
            inner.texts("allowed_models")
            inner.nothing_left(meant=NOT_LIMITS, silent=_SILENT)
            return limit
        return self.by_id(str(budget_id or nested["budget_id"]), nested, reader, notes)

    def by_id(
        self,
        budget_id: str,
        nested: dict[str, object],
        reader: RowReader,
        notes: RowNotes,
    ) -> NamedBudget | None:
        """Return the budget of an id; `nested` is its row, if that came with the one that names it.

        A row that names a budget of which nothing is known is refused: without it there would be no
        limit.
        """
        if budget_id not in self.models and nested:
            self.read({**nested, "budget_id": budget_id}, notes)
        if budget_id not in self.models:
            reader.note.refused("names a budget that is not in the export, or was refused")
            return None
        shared = RowId(Kind.BUDGET, (budget_id,))
        return NamedBudget(budget_id) if shared in self.rows else None


def read_spending(reader: RowReader, row: RowId) -> list[Spending]:
    """Return what the row has spent, if it is anything."""
    spent: Decimal | None = reader.number("spend")
    resets_at = reader.instant("budget_reset_at")
    if not spent:
        return []
    nano = int((spent * NANO_PER_USD).to_integral_value(ROUND_CEILING))
    return [Spending(row, min(nano, MAX_NANO_USD), resets_at)]
