"""How the keys of the issuers stand, on stdout: a table and what to do, or one JSON document."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec
import typer

from gatepass.jwks.faults import UNSAFE_FAULTS
from gatepass.jwks.introspection import IntrospectionStatus
from gatepass.jwks.keeper import NEVER_TRIED
from gatepass.jwks.status import IssuerStatus
from gatepass.jwks.unknown_keys import FLOOD
from gatepass.plugin.commands.key_advice import NO_KEYS, UNSAFE_KEYS, UNTIL_THEN, advice_on
from gatepass.plugin.telemetry.health import Health, KeyState, key_state

_HEADS = ("ISSUER", "STATE", "KEYS", "AGE", "LAST SUCCESS", "FAILED", "REFETCHES", "REFUSED")
_COLORS = {
    KeyState.FRESH: typer.colors.GREEN,
    KeyState.STALE: typer.colors.YELLOW,
    KeyState.NONE: typer.colors.RED,
}
_MEANWHILE = "until then the keys in hand serve, for max_stale at most"
_STORE = "the store does not answer: nobody who is not remembered gets in until it does"


def report_on(health: Health, *, as_json: bool, of_service: bool = True) -> int:
    """Print the report and return the exit status: 0 all keys are there and fresh, 1 not so.

    What only a running service knows is left out where none was asked (`of_service`).
    """
    fresh = all(key_state(status) is KeyState.FRESH for status in health.issuers)
    ok = fresh and health.store
    if as_json:
        document = _document(health, ok=ok)
        if of_service:
            document |= {
                "store": health.store,
                "introspections": [_plain(status) for status in health.introspections],
            }
        typer.echo(json.dumps(document, indent=2))
    else:
        _print_table(health)
    return 0 if ok else 1


def to_do(status: IssuerStatus) -> Iterator[str]:
    """Yield what to do about the keys of an issuer."""
    state, error = key_state(status), status.last_error
    if error == NEVER_TRIED:
        yield "wait a moment: the keys are being loaded for the first time"
    elif error is not None:
        yield f"{advice_on(error)}; {UNTIL_THEN if state is KeyState.NONE else _MEANWHILE}"
    elif state is KeyState.NONE:
        yield NO_KEYS
    if not UNSAFE_FAULTS.isdisjoint(status.skipped):
        yield UNSAFE_KEYS
    if status.refused_refetches >= FLOOD:
        yield (
            f"{status.refused_refetches} tokens named keys that the issuer does not publish: if "
            "they are meant to be good, see that it publishes a key before it signs with it; else "
            "somebody makes tokens up, and they are refused"
        )


def _document(health: Health, *, ok: bool) -> dict[str, object]:
    return {
        "ok": ok,
        "ready": health.ready,
        "issuers": [
            {**_plain(status), "state": key_state(status), "to_do": list(to_do(status))}
            for status in health.issuers
        ],
    }


def _plain(status: IssuerStatus | IntrospectionStatus) -> dict[str, object]:
    return msgspec.convert(msgspec.to_builtins(status, enc_hook=dict), dict[str, object])


def _print_table(health: Health) -> None:
    if not health.issuers:
        typer.echo("no issuer has keys: all tokens are opaque")
    else:
        _print_issuers(health.issuers)
    for questions in health.introspections:
        typer.echo(_asked(questions))
    if not health.store:
        typer.echo(f"to do: {_STORE}")


def _print_issuers(issuers: Sequence[IssuerStatus]) -> None:
    rows = [_HEADS, *(_row(status) for status in issuers)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADS))]
    typer.echo(_line(rows[0], widths))
    for row, status in zip(rows[1:], issuers, strict=True):
        color = _COLORS[key_state(status)]
        typer.echo(typer.style(_line(row, widths), fg=color))
        _print_below(status)


def _row(status: IssuerStatus) -> tuple[str, ...]:
    age, success = status.age_seconds, status.last_success
    return (
        _printable(status.issuer),
        key_state(status).value,
        str(len(status.key_ids)),
        "-" if age is None else _age(age),
        "never"
        if success is None
        else f"{datetime.fromtimestamp(success, UTC):%Y-%m-%d %H:%M:%SZ}",
        str(status.failures),
        str(status.refetches),
        str(status.refused_refetches),
    )


def _age(seconds: float) -> str:
    """Return a time as people say it, to two figures or so."""
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.0f}s"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _print_below(status: IssuerStatus) -> None:
    if status.key_ids:
        kids = ("(no kid)" if kid is None else _printable(kid) for kid in status.key_ids)
        typer.echo(f"      keys: {', '.join(kids)}")
    if status.skipped:
        counts = ", ".join(f"{count} {fault.value}" for fault, count in status.skipped.items())
        typer.echo(f"      not used: {counts}")
    if status.last_error is not None:
        typer.echo(f"      last error: {_printable(status.last_error)}")
    for advice in to_do(status):
        typer.echo(f"      to do: {advice}")


def _asked(status: IntrospectionStatus) -> str:
    said = (
        f"opaque tokens of {_printable(status.issuer)}: {status.asked} asked about, "
        f"{status.refused} refused, {status.unanswered} unanswered, {status.held_back} held back"
    )
    error = status.last_error
    return said if error is None else f"{said}; last error: {_printable(error)}"


def _printable(text: str) -> str:
    """Return text of somebody else's without what would move the cursor."""
    return text if text.isprintable() else ascii(text)
