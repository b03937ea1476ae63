"""`gatepass decide`: one decision without a gateway, with the steps that led to it.

Rows come from a throw-away copy of the file, or from a server's database in transactions that are
taken back, and budgets start at nothing: asking changes nothing. Keys come from the issuers, as
always.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import typer

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.decision import Decision
from gatepass.plugin.directory.copying import unchanged_database
from gatepass.plugin.explanation import Explanation, explain_refusal
from gatepass.plugin.gate import Gate
from gatepass.plugin.opening import Stores
from gatepass.plugin.request import BodyState, Request
from gatepass.plugin.settings import compile_settings, load_settings
from gatepass.rbac.rules_read import RuleRead


@dataclass(frozen=True, slots=True)
class Question:
    """The request as typed; `token` and `body` may be `@FILE`, `token` may be `-` for stdin."""

    token: str
    method: str
    path: str
    body: str
    profile: str
    headers: tuple[str, ...]

    def to_request(self) -> Request:
        """Build the request.

        Raises:
            ConfigurationError: an option cannot be read.

        """
        token = sys.stdin.buffer.read() if self.token == "-" else _octets("--token", self.token)  # noqa: S105 - the name of stdin
        token = token.strip()
        if token[:7].lower() == b"bearer ":
            raise ConfigurationError(["--token: leave `Bearer ` out; the token alone is asked for"])
        if not self.path.startswith("/"):
            raise ConfigurationError(["--path: start with /; the host is no part of it"])
        headers = [(b"authorization", b"Bearer " + token)]
        for header in self.headers:
            name, colon, value = header.partition(":")
            if not colon or not name.strip():
                raise ConfigurationError([f"--header: {header!r} is not `Name: value`"])
            headers.append((_typed(name.strip().lower()), _typed(value.strip())))
        body = _octets("--body", self.body) if self.body else BodyState.NOT_SHOWN
        return Request(
            method=self.method,
            target=_typed(self.path),
            headers=headers,
            body=body,
            profile=self.profile,
        )


def _typed(text: str) -> bytes:
    """Return the octets that were typed, also where they are no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _octets(option: str, value: str) -> bytes:
    if not value.startswith("@"):
        return _typed(value)
    try:
        return Path(value[1:]).read_bytes()
    except OSError as error:
        raise ConfigurationError([f"{option}: {value[1:]} cannot be read"]) from error


def run_decide(path: Path, question: Question, *, as_json: bool, explain: bool = False) -> int:
    """Print the decision, with the rules that were read if `explain` asks for them.

    Returns the exit status: 0 allowed, 1 denied.
    """
    decision, explanation = asyncio.run(_decide(path, question))
    steps = [*explanation.steps, *explain_refusal(decision)]
    rules = explanation.rules() if explain else None
    if as_json:
        typer.echo(json.dumps(_document(decision, steps, rules), indent=2))
    else:
        _print(decision, steps, rules or ())
    return 0 if decision.allowed else 1


async def _decide(path: Path, question: Question) -> tuple[Decision, Explanation]:
    request = question.to_request()
    settings = load_settings(path)
    # what the service keeps on disk is the service's: whoever asks may be somebody else
    elsewhere = settings.stores.model_copy(update={"keys_cache": None})
    settings = settings.model_copy(update={"stores": elsewhere})
    compiled = compile_settings(settings)
    explanation = Explanation(compiled.policy, request.method)
    with tempfile.TemporaryDirectory(prefix="gatepass-") as folder:
        stores = Stores(unchanged_database(compiled.database, Path(folder)))
        async with Gate.open(settings, stores=stores) as gate:
            return await gate.decide(request, explanation), explanation


def _document(
    decision: Decision,
    steps: Sequence[tuple[str, str]],
    rules: Sequence[RuleRead] | None,
) -> dict[str, object]:
    caller = decision.caller
    document: dict[str, object] = {
        "allowed": decision.allowed,
        "status": decision.status,
        "code": decision.reason.code,
        "message": decision.reason.sentence,
        "role": None if caller is None else caller.role.value,
        "set_headers": {name.decode(): value.decode() for name, value in decision.set_headers},
        "remove_headers": sorted(name.decode() for name in decision.remove_headers),
        "effects": [
            {"kind": effect.kind, "subject_id": effect.subject_id} for effect in decision.effects
        ],
        "steps": [{"step": step, "found": found} for step, found in steps],
    }
    if rules is not None:
        document["rules"] = [msgspec.to_builtins(rule) for rule in rules]
    return document


def _print(decision: Decision, steps: Sequence[tuple[str, str]], rules: Sequence[RuleRead]) -> None:
    for step, found in steps:
        typer.echo(f"  {step:<11} {found}")
    for rule in rules:
        word = "admits" if rule.admits else "REFUSES"
        typer.echo(f"    {word:<7} {rule.place} ({rule.entry})")
    color = typer.colors.GREEN if decision.allowed else typer.colors.RED
    verdict = "ALLOWED" if decision.allowed else f"DENIED {decision.status}"
    typer.echo(
        f"{typer.style(verdict, fg=color)} {decision.reason.code}: {decision.reason.sentence}"
    )
    for effect in decision.effects:
        typer.echo(f"  would bring about: {effect.kind} {effect.subject_id}")
    for name, value in decision.set_headers:
        typer.echo(f"  upstream gets {name.decode()}: {value.decode()}")
