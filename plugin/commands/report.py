"""Findings on stdout: sentences for people, or one JSON document for machines."""

import json
from collections.abc import Sequence
from dataclasses import asdict

import typer

from gatepass.plugin.commands.finding import Finding


def report(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print the findings and return the exit status: 0 all well, 1 something is wrong."""
    ok = all(finding.ok for finding in findings)
    if as_json:
        document = {"ok": ok, "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(document, indent=2))
        return 0 if ok else 1
    for finding in findings:
        typer.echo(f"{_mark(finding)} {finding.subject}: {finding.found}")
        if finding.advice:
            typer.echo(f"      to do: {finding.advice}")
    return 0 if ok else 1


def _mark(finding: Finding) -> str:
    if finding.note:
        return typer.style("note ", fg=typer.colors.YELLOW)
    if finding.ok:
        return typer.style("ok   ", fg=typer.colors.GREEN)
    return typer.style("WRONG", fg=typer.colors.RED)
