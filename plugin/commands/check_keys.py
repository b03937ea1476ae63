"""The part of `gatepass check` that asks every issuer for its keys, as the service would."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import typer

from gatepass.jwks.faults import UNSAFE_FAULTS
from gatepass.jwks.source import DiscoveredKeys, FileKeys, KeySource, UrlKeys
from gatepass.jwks.status import IssuerStatus
from gatepass.jwks.verifier import Verifier
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.commands.key_advice import NO_KEYS, UNSAFE_KEYS, UNTIL_THEN, advice_on
from gatepass.plugin.settings import Compiled


async def key_findings(compiled: Compiled) -> list[Finding]:
    """Load the keys of all issuers and return a finding for each."""
    statuses = await ask_issuers(compiled)
    sources = [issuer.source for issuer in compiled.issuers if issuer.source is not None]
    return [_finding(status, source) for status, source in zip(statuses, sources, strict=True)]


async def ask_issuers(compiled: Compiled) -> Sequence[IssuerStatus]:
    """Load the keys of every issuer that has any, and return how they stand."""
    if sys.stderr.isatty():
        typer.echo("asking the issuers for their keys ...", err=True)
    # what the service keeps on disk is the service's: whoever checks may be somebody else
    verifier = Verifier([replace(issuer, keys_folder=None) for issuer in compiled.issuers])
    try:
        with warnings_unsaid():
            await verifier.start()
        return verifier.status()
    finally:
        await verifier.close()


@contextmanager
def warnings_unsaid() -> Iterator[None]:
    """Keep the warnings about keys off the terminal: the findings say the same."""
    logger = logging.getLogger("gatepass.jwks")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _finding(status: IssuerStatus, source: KeySource) -> Finding:
    subject = f"issuer {status.issuer}"
    if status.last_error is not None:
        return Finding(
            subject,
            ok=False,
            found=f"keys not loaded{_from(source)}: {status.last_error}",
            advice=f"{_advice(source, status.last_error)}; {UNTIL_THEN}",
        )
    kids = ", ".join("(no kid)" if kid is None else kid for kid in status.key_ids) or "none"
    found = [f"keys: {kids}"]
    for title, counts in (("not used", status.skipped), ("remarks", status.remarks)):
        if counts:
            listed = ", ".join(f"{count} {oddity.value}" for oddity, count in counts.items())
            found.append(f"{title}: {listed}")
    advice = [] if status.key_ids else [NO_KEYS]
    if not UNSAFE_FAULTS.isdisjoint(status.skipped):
        advice.append(UNSAFE_KEYS)
    return Finding(
        subject, ok=bool(status.key_ids), found="; ".join(found), advice="; ".join(advice)
    )


def _from(source: KeySource) -> str:
    """Return where the keys were looked for, without a query, which may hold a secret."""
    match source:
        case FileKeys(path=path):
            return f" from {path}"
        case UrlKeys(url=url):
            return f" from {url.partition('?')[0]}"
        case DiscoveredKeys(metadata_url=url):
            return f" by way of {url}"
    return ""


def _advice(source: KeySource, detail: str) -> str:
    if isinstance(source, FileKeys) and not detail.startswith("file: "):
        return "put a JWK Set into the file"
    return advice_on(detail)
