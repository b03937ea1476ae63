"""`gatepass kong doctor`: asks a running Kong's Admin API, and says what to change.

Nothing is changed. What is WRONG lets somebody pass, or refuses everybody; a note says what is
seldom meant. Only what the Admin API tells is seen: not whether the plugin server answers.
"""

import asyncio
from collections.abc import Sequence

from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.commands.kong_doctor_admin import AdminApi
from gatepass.plugin.commands.kong_doctor_neighbors import neighbor_findings
from gatepass.plugin.commands.kong_doctor_node import node_findings
from gatepass.plugin.commands.kong_doctor_picture import take_picture
from gatepass.plugin.commands.kong_doctor_plugins import plugin_findings
from gatepass.plugin.commands.report import report


def run_kong_doctor(admin_url: str, *, as_json: bool, headers: Sequence[str] = ()) -> int:
    """Print the report and return the exit status: 0 all well, 1 something is wrong.

    `headers` are `Name: value`, for an Admin API that asks for a credential.

    Raises:
        ConfigurationError: the URL or a header cannot be used.

    """
    findings = asyncio.run(_findings(AdminApi(admin_url, headers)))
    return report(findings, as_json=as_json)


async def _findings(admin: AdminApi) -> list[Finding]:
    async with admin:
        picture = await take_picture(admin)
    if not picture.answered:
        return list(picture.findings)
    return [
        *picture.findings,
        *node_findings(picture),
        *plugin_findings(picture),
        *neighbor_findings(picture),
    ]
