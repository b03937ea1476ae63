"""A table on stdout: titles, and columns as wide as what stands in them, also in a pipe."""

from collections.abc import Sequence

import typer

from gatepass.plugin.declared.text import printable


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under titles, without what a terminal would take for a command."""
    lines = [titles, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
