"""`gatepass check`: what was found, what is wrong, what to do; settings, issuers, keys, stores.

Everything is looked at, even when something failed before. Nothing is written: the store is opened
only if its file exists, and by a copy.
"""

import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from gatepass.jwks.errors import ConfigurationError, GatepassError
from gatepass.jwks.faults import UNSAFE_FAULTS
from gatepass.jwks.verifier import IssuerStatus, Verifier
from gatepass.plugin.directory.copying import copy_database
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.directory.store import SqlDirectory
from gatepass.plugin.settings import Compiled, compile_settings, load_settings

_OTHER_FILE = "put the path right, move the file away, or name another under stores.database"
_NO_KEYS = "the issuer publishes no key that can verify its tokens"
_UNSAFE_KEYS = (
    "tell whoever runs the issuer to replace the private, symmetric or weak keys among those it "
    "publishes: others may be able to sign with them"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `advice` says what to do, always when it is not ok."""

    subject: str
    ok: bool
    found: str
    advice: str = ""


def run_check(path: Path, *, as_json: bool) -> int:
    """Print the report and return the exit status: 0 all well, 1 something is wrong."""
    findings = asyncio.run(_findings(path))
    ok = all(finding.ok for finding in findings)
    if as_json:
        document = {"ok": ok, "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(document, indent=2))
    else:
        _print(findings)
    return 0 if ok else 1


async def _findings(path: Path) -> list[Finding]:
    try:
        settings = load_settings(path)
        compiled = compile_settings(settings)
    except ConfigurationError as error:
        return [
            Finding("settings", ok=False, found=problem, advice="correct the file and check again")
            for problem in error.problems
        ]
    profiles = ", ".join(sorted(compiled.policy.profiles))
    findings = [Finding("settings", ok=True, found=f"{path} is valid; profiles: {profiles}")]
    findings += await _key_findings(compiled)
    findings.append(await _store_finding(compiled))
    return findings


async def _key_findings(compiled: Compiled) -> list[Finding]:
    if sys.stderr.isatty():
        typer.echo("asking the issuers for their keys ...", err=True)
    verifier = Verifier(compiled.issuers)
    with _warnings_unsaid():
        await verifier.start()
    try:
        return [_key_finding(status) for status in verifier.status()]
    finally:
        await verifier.close()


@contextmanager
def _warnings_unsaid() -> Iterator[None]:
    """Keep the warnings about keys off the terminal: the findings say the same."""
    logger = logging.getLogger("gatepass.jwks")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _key_finding(status: IssuerStatus) -> Finding:
    subject = f"issuer {status.issuer}"
    if status.last_error is not None:
        return Finding(
            subject,
            ok=False,
            found=f"keys not loaded: {status.last_error}",
            advice="check the address and that this host reaches it; its tokens get 503 until then",
        )
    kids = ", ".join("(no kid)" if kid is None else kid for kid in status.key_ids) or "none"
    found = [f"keys: {kids}"]
    for title, counts in (("not used", status.skipped), ("remarks", status.remarks)):
        if counts:
            listed = ", ".join(f"{count} {oddity.value}" for oddity, count in counts.items())
            found.append(f"{title}: {listed}")
    advice = [] if status.key_ids else [_NO_KEYS]
    if not UNSAFE_FAULTS.isdisjoint(status.skipped):
        advice.append(_UNSAFE_KEYS)
    return Finding(
        subject, ok=bool(status.key_ids), found="; ".join(found), advice="; ".join(advice)
    )


async def _store_finding(compiled: Compiled) -> Finding:
    path = database_path(compiled.database)
    subject = f"store {path}"
    try:
        there = await asyncio.to_thread(path.exists)
        has_folder = await asyncio.to_thread(path.parent.is_dir)
    except OSError:
        return Finding(subject, ok=False, found="the path cannot be used", advice=_OTHER_FILE)
    if not has_folder:
        return Finding(subject, ok=False, found="its folder does not exist", advice=_OTHER_FILE)
    if not there:
        return Finding(subject, ok=True, found="not there yet; it is made at the first start")
    with tempfile.TemporaryDirectory(prefix="gatepass-") as folder:
        try:
            copy = copy_database(compiled.database, Path(folder))
            directory = SqlDirectory(copy, compiled.directory)
            await directory.open()
            try:
                await directory.ping()
            finally:
                await directory.close()
        except GatepassError as error:
            return Finding(subject, ok=False, found=str(error), advice=_OTHER_FILE)
    return Finding(subject, ok=True, found="readable, schema known")


def _print(findings: list[Finding]) -> None:
    for finding in findings:
        mark = (
            typer.style("ok   ", fg=typer.colors.GREEN)
            if finding.ok
            else typer.style("WRONG", fg=typer.colors.RED)
        )
        typer.echo(f"{mark} {finding.subject}: {finding.found}")
        if finding.advice:
            typer.echo(f"      to do: {finding.advice}")
