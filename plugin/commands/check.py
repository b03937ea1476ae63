"""`gatepass check`: what was found, what is wrong, what to do; settings, issuers, stores, doors.

Everything is looked at, even when something failed before. Nothing is written: the store is opened
only if its file exists, and by a copy.
"""

import asyncio
import os
from pathlib import Path

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.engines import EngineKind
from gatepass.plugin.commands.check_certificates import certificate_findings
from gatepass.plugin.commands.check_doors import door_findings
from gatepass.plugin.commands.check_introspection import introspection_findings
from gatepass.plugin.commands.check_kept_keys import kept_keys_findings
from gatepass.plugin.commands.check_keys import key_findings
from gatepass.plugin.commands.check_store import store_finding
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.commands.notes import notes_on
from gatepass.plugin.commands.report import report
from gatepass.plugin.directory.postgresql import PREFIX
from gatepass.plugin.directory.sqlite import database_path
from gatepass.plugin.settings import Compiled, compile_settings, load_settings


def run_check(path: Path, *, as_json: bool) -> int:
    """Print the report and return the exit status: 0 all well, 1 something is wrong."""
    return report(asyncio.run(_findings(path)), as_json=as_json)


async def _findings(path: Path) -> list[Finding]:
    try:
        settings = load_settings(path)
        compiled = compile_settings(settings)
    except ConfigurationError as error:
        advice = await asyncio.to_thread(_advice_on, path)
        return [
            Finding("settings", ok=False, found=problem, advice=advice)
            for problem in error.problems
        ]
    profiles = ", ".join(sorted(compiled.policy.profiles))
    found = f"{path} is valid; profiles: {profiles}"
    store = await store_finding(compiled)
    return [
        Finding("settings", ok=True, found=found),
        *notes_on(settings, stored=await asyncio.to_thread(_is_stored, compiled.database)),
        *await key_findings(compiled),
        *await introspection_findings(compiled),
        store,
        *await _redis_findings(compiled),
        *await asyncio.to_thread(kept_keys_findings, compiled),
        *certificate_findings(compiled),
        *await asyncio.to_thread(door_findings, compiled, as_root=os.geteuid() == 0),
    ]


async def _redis_findings(compiled: Compiled) -> list[Finding]:
    if compiled.redis is None:
        return []
    from gatepass.plugin.commands.check_redis import (  # noqa: PLC0415 - few have Redis
        redis_findings,
    )

    findings = await redis_findings(*compiled.redis)
    if compiled.budget_engine is EngineKind.REDIS and all(finding.ok for finding in findings):
        from gatepass.plugin.commands.check_counting import (  # noqa: PLC0415 - fewer count there
            counting_findings,
        )

        findings += await counting_findings(compiled.redis)
    return findings


def _advice_on(path: Path) -> str:
    return "correct the file and check again" if _is_file(path) else "name the file with -c"


def _is_stored(url: str) -> bool:
    """Answer whether there is a database already; a server's is taken to be there."""
    return url.startswith(PREFIX) or _is_file(database_path(url))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
