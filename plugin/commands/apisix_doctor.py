"""`gatepass apisix doctor`: asks a running APISIX what it would do, and says what to change.

Nothing is changed. What is WRONG lets somebody pass, or refuses everybody; a note says what is
seldom meant. Only what APISIX's APIs and its config.yaml tell is seen: not whether the runner
answers.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from gatepass.plugin.commands.apisix_doctor_guard import guard_findings
from gatepass.plugin.commands.apisix_doctor_node import node_findings
from gatepass.plugin.commands.apisix_doctor_order import order_findings
from gatepass.plugin.commands.apisix_doctor_picture import ApisixApi, take_picture
from gatepass.plugin.commands.apisix_doctor_usage import usage_findings
from gatepass.plugin.commands.apisix_doctor_versions import version_findings
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.commands.report import report
from gatepass.plugin.settings import compile_settings, load_settings


def run_apisix_doctor(
    url: str,
    *,
    as_json: bool,
    headers: Sequence[str] = (),
    file: Path | None = None,
    settings: Path | None = None,
) -> int:
    """Print the report and return the exit status: 0 all well, 1 something is wrong.

    `headers` are `Name: value`, for an Admin API, which asks for a credential. `file` is APISIX's
    config.yaml, `settings` ours, of which only the names of the profiles are looked at.

    Raises:
        ConfigurationError: the URL, a header or our settings cannot be used.

    """
    profiles = None
    if settings is not None:
        profiles = frozenset(compile_settings(load_settings(settings)).policy.profiles)
    findings = asyncio.run(_findings(ApisixApi(url, headers), file, profiles))
    return report(findings, as_json=as_json)


async def _findings(
    api: ApisixApi, file: Path | None, profiles: frozenset[str] | None
) -> list[Finding]:
    async with api:
        picture = await take_picture(api)
    if not picture.answered:
        return list(picture.findings)
    return [
        *picture.findings,
        *version_findings(picture),
        *await asyncio.to_thread(lambda: list(node_findings(picture, file))),
        *guard_findings(picture, profiles),
        *order_findings(picture),
        *usage_findings(picture),
    ]
