"""`gatepass budgets prices`: what models cost, by the settings and by what is published."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gatepass.plugin.budgets.amounts import NANO_PER_USD
from gatepass.plugin.metering.prices import Price
from gatepass.plugin.settings import compile_settings, load_settings

_WIDTH_WITHOUT_TERMINAL = 160
_ADVICE = (
    "without a price: whoever has a limit of money or tokens is refused; add the model to "
    "budgets.prices or budgets.free_models, or put its provider in front (groq/NAME)"
)
_PARTS = {
    "cached_input": "cached",
    "cache_write": "cache_write",
    "cache_write_1h": "cache_write_1h",
    "reasoning": "reasoning",
    "input_audio": "input_audio",
    "cached_audio": "cached_audio",
    "output_audio": "output_audio",
}
"""The settings' names of what a price says of parts."""


def run_prices(path: Path, models: Sequence[str], at: datetime | None, *, as_json: bool) -> int:
    """Print what the models cost; return the exit status: 0 all have a price, 1 one has none.

    Raises:
        ConfigurationError: the settings cannot be used.

    """
    rules = compile_settings(load_settings(path)).prices
    now = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    found = [(model, rules.price_of(model, now.timestamp())) for model in models]
    if as_json:
        document = {
            "ok": all(price is not None for _, price in found),
            "prices": [_document(model, price) for model, price in found],
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        _draw(found)
    unknown = [model for model, price in found if price is None]
    if unknown:
        typer.echo(f"{', '.join(unknown)} {_ADVICE}", err=True)
    return 1 if unknown else 0


def _document(model: str, price: Price | None) -> dict[str, object]:
    if price is None:
        return {"model": model, "version": None}
    tiers = [{"above": start, **dict(_rates(tier))} for start, tier in reversed(price.tiers)]
    return {
        "model": model,
        "version": price.version,
        **dict(_rates(price)),
        "max_output_tokens": price.max_output_tokens,
        "per_request": _dollars(price.request_nano),
        "long_context": tiers,
    }


def _draw(found: Sequence[tuple[str, Price | None]]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in (
        "$ per million tokens",
        "input",
        "output",
        "others",
        "longest answer",
        "version",
    ):
        table.add_column(column, overflow="fold")
    for model, price in found:
        if price is None:
            table.add_row(Text(model), "-", "-", "", "", "no price")
            continue
        for start, tier in ((None, price), *reversed(price.tiers)):
            asked, answered, *others = _rates(tier)
            table.add_row(
                Text(model if start is None else f"  above {start} input tokens"),
                asked[1],
                answered[1],
                ", ".join(f"{name} {rate}" for name, rate in others),
                str(price.max_output_tokens) if start is None else "",
                Text(price.version if start is None else ""),
            )
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH_WITHOUT_TERMINAL)
    console.print(table)


def _rates(price: Price) -> Iterator[tuple[str, str]]:
    yield "input", _dollars(price.input_nano_per_million_tokens)
    yield "output", _dollars(price.output_nano_per_million_tokens)
    for name, part in _PARTS.items():
        rate: int | None = getattr(price.parts, part)
        if rate is not None:
            yield name, _dollars(rate)


def _dollars(nano: int) -> str:
    """Return an exact amount, as the settings write it."""
    whole, rest = divmod(nano, NANO_PER_USD)
    decimals = f"{rest:09}".rstrip("0")
    return f"${whole}.{decimals.ljust(2, '0')}" if decimals else f"${whole}"
