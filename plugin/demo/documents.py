"""The tour as a JSON document, for machines; its members are the contract of `--json`."""

from collections.abc import Mapping, Sequence

from gatepass.plugin.demo.servers import Servers
from gatepass.plugin.demo.tour import Step


def tour_document(
    steps: Sequence[Step], seconds: float, servers: Servers | None, tokens: Mapping[str, str]
) -> dict[str, object]:
    """Return the whole tour; with `servers` also where everything that stays up is."""
    document: dict[str, object] = {
        "ok": all(step.ok for step in steps),
        "seconds": round(seconds, 2),
        "steps": [step_document(step) for step in steps],
    }
    if servers is not None:
        document["servers"] = {
            "gateway": servers.gateway,
            "issuer": servers.issuer,
            "service": servers.service,
            "upstream": servers.upstream,
            "settings": str(servers.settings),
            "database": str(servers.database),
            "processes": {child.name: child.process.pid for child in servers.children},
        }
        document["tokens"] = dict(tokens)
    return document


def step_document(step: Step) -> dict[str, object]:
    """Return one step; `upstream` is null when nothing arrived there.

    Repeated headers are joined by a comma, as HTTP does it.
    """
    observed = step.observed
    upstream: dict[str, str] | None = None
    for headers in () if observed is None else observed.upstream:
        upstream = upstream or {}
        for name, value in headers:
            upstream[name] = f"{upstream[name]}, {value}" if name in upstream else value
    return {
        "name": step.scene.name,
        "asked": step.asked,
        "why": step.scene.why,
        "status": None if observed is None else observed.status,
        "code": None if observed is None else observed.code,
        "expected_status": step.scene.expected.status,
        "expected_code": step.scene.expected.code,
        "upstream": upstream,
        "ok": step.ok,
        "differences": list(step.differences),
        "milliseconds": None if observed is None else round(observed.milliseconds, 1),
    }
