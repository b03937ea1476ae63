"""Quantities as people write them: durations, sizes, money. Text in, integers out.

One number and one unit, in ASCII, and nothing else: no signs, exponents, thousands separators or
words for infinity, so that a quantity has one reading. Money never passes through a float. Every
text is refused with a fixed sentence that says how to write it.
"""

import re

from gatepass.plugin.budgets.amounts import NANO_PER_USD
from gatepass.plugin.settings.problems import BadValue

MAX_USD = 10**9
"""The most that a setting may name; counters, which go further, still fit a BIGINT column."""

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_BYTES = {"MiB": 1024 * 1024, "KiB": 1024}
_MAX_DURATION_SECONDS = 3650 * 86_400
_MAX_SIZE_BYTES = 4096 * 1024 * 1024

_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_SIZE = re.compile(r"([0-9]{1,9})(KiB|MiB)")
_MONEY = re.compile(r"(?:\$(?=[0-9.]+\Z))?([0-9]+)(?:\.([0-9]+))?(?: USD)?")
_MAX_MONEY_CHARS = 40
_NANO_DIGITS = 9


def parse_duration(text: str) -> int:
    """Return seconds: `30s`, `5m`, `12h`, `30d`; a bare `0` needs no unit.

    Raises:
        BadValue: for any other text, and above ten years.

    """
    if text == "0":
        return 0
    match = _DURATION.fullmatch(text)
    if match is None:
        raise BadValue("not a duration; write a whole number with s, m, h or d, such as 30s or 5m")
    seconds = int(match[1]) * _SECONDS[match[2]]
    if seconds > _MAX_DURATION_SECONDS:
        raise BadValue("longer than ten years")
    return seconds


def format_duration(seconds: int) -> str:
    """Return the shortest text that reads back as the same number of seconds."""
    unit = next((unit for unit, size in _SECONDS.items() if seconds % size == 0 and seconds), "s")
    return f"{seconds // _SECONDS[unit]}{unit}"


def parse_size(text: str) -> int:
    """Return bytes: `64KiB`, `1MiB`.

    Raises:
        BadValue: for any other text, and above 4 GiB.

    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise BadValue("not a size; write a whole number with KiB or MiB, such as 1MiB")
    size = int(match[1]) * _BYTES[match[2]]
    if size > _MAX_SIZE_BYTES:
        raise BadValue("larger than 4096MiB")
    return size


def format_size(size_bytes: int) -> str:
    """Return a size of whole KiB as text that reads back as the same number of bytes."""
    unit = "MiB" if size_bytes % _BYTES["MiB"] == 0 else "KiB"
    return f"{size_bytes // _BYTES[unit]}{unit}"


def format_money(nano_usd: int) -> str:
    """Return nano-dollars as the text that reads back as the same: `$50`, `$0.02`."""
    dollars, nano = divmod(nano_usd, NANO_PER_USD)
    decimals = f".{nano:09d}".rstrip("0") if nano else ""
    return f"${dollars}{decimals}"


def parse_money(text: str) -> int:
    """Return nano-dollars: `$50`, `$0.02`, `50 USD`, `50`.

    Raises:
        BadValue: for any other text, for more than nine decimals, and above a billion dollars.

    """
    match = _MONEY.fullmatch(text) if len(text) <= _MAX_MONEY_CHARS else None
    if match is None:
        raise BadValue('not an amount of money; write it as "$50", "$0.02" or "50 USD"')
    decimals = match[2] or ""
    if len(decimals) > _NANO_DIGITS:
        raise BadValue("more than 9 decimals; a billionth of a dollar is the smallest amount")
    nano = int(match[1]) * NANO_PER_USD + int(decimals.ljust(_NANO_DIGITS, "0"))
    if nano > MAX_USD * NANO_PER_USD:
        raise BadValue("more than $1000000000")
    return nano
