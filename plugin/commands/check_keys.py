"""The part of `gatepass check` that asks every issuer for its keys, as the service would."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import typer

from gatepass.jwks.faults import UNSAFE_FAULTS
from gatepass.jwks.source import DiscoveredKeys, FileKeys, KeySource, UrlKeys
from gatepass.jwks.status import IssuerStatus
from gatepass.jwks.verifier import Verifier
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.settings import Compiled

_NO_KEYS = "the issuer publishes no key that can verify its tokens"
_UNSAFE_KEYS = (
    "tell whoever runs the issuer to replace the private, symmetric or weak keys among those it "
    "publishes: others may be able to sign with them"
)
_FETCHING = {
    "TLS handshake failed": "check the address; name the CA of a company's own with ca_file or "
    "SSL_CERT_FILE",
    "CA file: not readable": "put ca_file right: a file of certificates (PEM); a relative path "
    "starts at the settings file",
    "refused by the proxy": "check proxy, its name and password, and what it lets through",
    "address: private network": "name the issuer's network in allow_networks, if the issuer is "
    "meant to stand there",
}
_UNTIL_THEN = "its tokens get 503 until then"


async def key_findings(compiled: Compiled) -> list[Finding]:
    """Load the keys of all issuers and return a finding for each."""
    if sys.stderr.isatty():
        typer.echo("asking the issuers for their keys ...", err=True)
    # what the service keeps on disk is the service's: whoever checks may be somebody else
    verifier = Verifier([replace(issuer, keys_folder=None) for issuer in compiled.issuers])
    with _warnings_unsaid():
        await verifier.start()
    try:
        return [
            _finding(status, issuer.source)
            for status, issuer in zip(verifier.status(), compiled.issuers, strict=True)
        ]
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


def _finding(status: IssuerStatus, source: KeySource) -> Finding:
    subject = f"issuer {status.issuer}"
    if status.last_error is not None:
        return Finding(
            subject,
            ok=False,
            found=f"keys not loaded{_from(source)}: {status.last_error}",
            advice=f"{_advice(source, status.last_error)}; {_UNTIL_THEN}",
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
    if detail.startswith("file: "):
        return "put the path right; it starts at the settings file"
    if isinstance(source, FileKeys):
        return "put a JWK Set into the file"
    return _FETCHING.get(detail, "check the address and that this host reaches it")
