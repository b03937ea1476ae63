"""Changes of rows on stdout: a line each for people, or one JSON document for machines."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping

import typer

from gatepass.plugin.declared.difference import Action, Change, Difference
from gatepass.plugin.declared.rows import Fields, RowId
from gatepass.plugin.declared.text import json_value, printable, value_text

_SIGNS = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}
_COLORS = {
    Action.CREATE: typer.colors.GREEN,
    Action.UPDATE: typer.colors.YELLOW,
    Action.DELETE: typer.colors.RED,
}
_SHOWN_KEPT = 20


def print_difference(found: Difference, *, dry_run: bool) -> None:
    """Print every change, what stays though it is not in the file, and the numbers."""
    for line in _lines(found):
        typer.echo(line)
    count = Counter(change.action for change in found.changes)
    numbers = ", ".join(f"{count[action]} {action}d" for action in Action)
    if not found.changes:
        typer.echo("nothing to change")
    elif dry_run:
        typer.echo(f"{numbers}; nothing was changed: this was --dry-run")
    else:
        typer.echo(numbers)


def difference_json(found: Difference) -> dict[str, object]:
    """Return the changes as a part of a JSON document."""
    return {
        "changes": [
            {
                "action": change.action.value,
                **row_json(change.row),
                "before": _fields_json(change.before),
                "after": _fields_json(change.after),
            }
            for change in found.changes
        ],
        "kept": [row_json(row) for row in found.kept],
    }


def row_json(row: RowId) -> dict[str, object]:
    """Return which row is meant."""
    return {"kind": row.kind.value, "key": list(row.key)}


def print_json(document: Mapping[str, object]) -> None:
    """Print one document."""
    typer.echo(json.dumps(document, indent=2))


def _lines(found: Difference) -> Iterator[str]:
    for change in found.changes:
        sign = typer.style(_SIGNS[change.action], fg=_COLORS[change.action])
        said = "; ".join(_field_texts(change))
        yield f"{sign} {_row(change.row)}{': ' if said else ''}{said}"
    for row in found.kept[:_SHOWN_KEPT]:
        yield f"= {_row(row)}: not in the file, and kept (--delete lets it go)"
    if len(found.kept) > _SHOWN_KEPT:
        yield f"= and {len(found.kept) - _SHOWN_KEPT} more that are not in the file"


def _row(row: RowId) -> str:
    return f"{row.kind} {printable(row.name)}"


def _field_texts(change: Change) -> Iterator[str]:
    for name, value in change.after.items():
        before = f"{value_text(change.before[name])} -> " if name in change.before else ""
        yield f"{name} {before}{value_text(value)}"


def _fields_json(fields: Fields) -> dict[str, object]:
    return {name: json_value(value) for name, value in fields.items()}
