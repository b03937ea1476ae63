"""Stored rows as people read them: a line of a table, or all of one row."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import typer

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.declared.budget_values import budget_texts
from gatepass.plugin.declared.rows import Kind, Value
from gatepass.plugin.declared.stored import declared_fields
from gatepass.plugin.declared.text import printable, raise_text, value_text
from gatepass.plugin.directory.changes.records import BudgetRecord, Record

_COLUMNS: dict[Kind, tuple[tuple[str, str], ...]] = {
    Kind.USER: (
        ("USER", "user_id"),
        ("E-MAIL", "email"),
        ("ROLE", "role"),
        ("BLOCKED", "blocked"),
        ("LINKED", "linked"),
        ("MODELS", "models"),
        ("BUDGET", "budget"),
    ),
    Kind.TEAM: (
        ("TEAM", "team_id"),
        ("ALIAS", "alias"),
        ("ORGANIZATION", "organization_id"),
        ("BLOCKED", "blocked"),
        ("MODELS", "models"),
        ("BUDGET", "budget"),
        ("EACH MEMBER", "member_budget"),
    ),
    Kind.MEMBER: (
        ("TEAM", "team_id"),
        ("USER", "user_id"),
        ("ROLE", "role"),
        ("MODELS", "models"),
        ("BUDGET", "budget"),
    ),
    Kind.ORGANIZATION: (
        ("ORGANIZATION", "organization_id"),
        ("ALIAS", "alias"),
        ("BLOCKED", "blocked"),
        ("MODELS", "models"),
        ("BUDGET", "budget"),
    ),
    Kind.ORGANIZATION_MEMBER: (
        ("ORGANIZATION", "organization_id"),
        ("USER", "user_id"),
        ("ROLE", "role"),
    ),
    Kind.CUSTOMER: (
        ("CUSTOMER", "end_user_id"),
        ("BLOCKED", "blocked"),
        ("MODELS", "models"),
        ("BUDGET", "budget"),
    ),
    Kind.BUDGET: (("BUDGET", "budget_id"), ("LIMIT", "limit")),
}
_OF_BUDGETS = ("budget_id", "limit", "raised", "anchor", "version")

_TIMES = ("created_at", "anchor")


def columns_of(kind: Kind, records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    """Return the titles of a table and the cells of its rows."""
    columns = _COLUMNS[kind]
    cells = [[_cell(kind, record, name) for _, name in columns] for record in records]
    return [title for title, _ in columns], cells


def print_record(kind: Kind, record: Record) -> None:
    """Print a row, a line for each of its fields."""
    is_budget = isinstance(record, BudgetRecord)
    names = _OF_BUDGETS if is_budget else record.__struct_fields__
    width = max(len(name) for name in names)
    for name in names:
        typer.echo(f"{name.ljust(width)}  {_text(kind, record, name)}")


def record_json(record: Record) -> dict[str, object]:
    """Return a row for a JSON document: as it is stored, budgets in the words of a file."""
    if isinstance(record, BudgetRecord):
        return _budget_json(record)
    document = msgspec.to_builtins(record)
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, BudgetRecord):
            document[name] = _budget_json(value)
    return dict(document)


def _budget_json(record: BudgetRecord) -> dict[str, object]:
    budget = record.to_budget()
    whole, of_models = budget_texts(BudgetTemplate.of(budget))
    return {
        "budget_id": record.budget_id,
        "budget": whole,
        "model_budgets": of_models,
        "raised": None if budget.raised is None else raise_text(budget.raised),
        "anchor": record.anchor,
        "named": record.named,
        "version": record.version,
    }


def _cell(kind: Kind, record: Record, name: str) -> str:
    text = _text(kind, record, name)
    return {"none": "-", "false": "-", "true": "yes"}.get(text, text)


def _text(kind: Kind, record: Record, name: str) -> str:
    if name == "linked":
        return "true" if getattr(record, "issuer", None) else "false"
    if name == "limit" and isinstance(record, BudgetRecord):
        return value_text(BudgetTemplate.of(record.to_budget()))
    if name == "raised" and isinstance(record, BudgetRecord):
        return raise_text(record.to_budget().raised)
    fields = declared_fields(kind, record)
    value: Value | int = fields[name] if name in fields else getattr(record, name)
    if name == "role":
        value = getattr(record, name)
    if name in _TIMES and isinstance(value, int):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return printable(value_text(value))
