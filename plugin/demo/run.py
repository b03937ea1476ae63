"""One run of the demo: start, tour, report, and the end of everything that was started."""

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx

from gatepass.plugin.demo.accounts import SEARCH_INDEXER
from gatepass.plugin.demo.documents import tour_document
from gatepass.plugin.demo.processes import Child, Children, ServerFailed, Stopped
from gatepass.plugin.demo.report import Report, consoles
from gatepass.plugin.demo.servers import Servers, start_servers
from gatepass.plugin.demo.sign_in import IdentityProvider
from gatepass.plugin.demo.tour import Tour

_REQUEST_SECONDS = 10.0


def run(*, keep: bool, as_json: bool) -> int:
    """Take the tour and return the exit status; see `run_demo`."""
    report = Report(*consoles())
    with tempfile.TemporaryDirectory(prefix="gatepass-demo-") as folder:
        try:
            return _run(Path(folder), report, keep=keep, as_json=as_json)
        except ServerFailed as error:
            report.failure(error)
            if as_json:
                report.document({"ok": False, "error": str(error), "log": error.log, "steps": []})
            return 1
        except Stopped as stop:
            return 128 + stop.signal_number


def _run(folder: Path, report: Report, *, keep: bool, as_json: bool) -> int:
    started = time.monotonic()
    with ExitStack() as stack:
        children = stack.enter_context(Children(folder))
        http = stack.enter_context(httpx.Client(trust_env=False, timeout=_REQUEST_SECONDS))
        with report.progress() as progress:
            servers = start_servers(children, folder, progress)
            progress("asking")
            steps = list(Tour(servers, http).steps())
        seconds = time.monotonic() - started
        tokens = _tokens(servers, http) if keep else {}
        if as_json:
            report.document(tour_document(steps, seconds, servers if keep else None, tokens))
        else:
            report.tour(steps, seconds)
        if keep:
            if not as_json:
                report.invitation(servers, tokens)
            _wait(servers.children)
    return 0 if all(step.ok for step in steps) else 1


def _tokens(servers: Servers, http: httpx.Client) -> dict[str, str]:
    provider = IdentityProvider(servers.issuer, servers.secret, http)
    return {
        "alice": provider.person_tokens("alice").access_token,
        "search": provider.machine_token(SEARCH_INDEXER),
    }


def _wait(children: Sequence[Child]) -> None:
    """Wait for a signal, which is how a kept tour ends as it should.

    Raises:
        ServerFailed: a server ended by itself.

    """
    with suppress(Stopped):
        while True:
            for child in children:
                child.check_running()
            time.sleep(0.2)
