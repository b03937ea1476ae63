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
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.commands.report import report


def run_apisix_doctor(
    url: str, *, as_json: bool, headers: Sequence[str] = (), file: Path | None = None
) -> int:
    """Print the report and return the exit status: 0 all well, 1 something is wrong.

    `headers` are `Name: value`, for an Admin API, which asks for a credential. `file` is APISIX's
    config.yaml.

    Raises:
        ConfigurationError: the URL or a header cannot be used.

    """
    findings = asyncio.run(_findings(ApisixApi(url, headers), file))
    return report(findings, as_json=as_json)


async def _findings(api: ApisixApi, file: Path | None) -> list[Finding]:
    async with api:
        picture = await take_picture(api)
    if not picture.answered:
        return list(picture.findings)
    return [
        *picture.findings,
        *await asyncio.to_thread(lambda: list(node_findings(picture, file))),
        *guard_findings(picture),
        *order_findings(picture),
        *usage_findings(picture),
    ]
