"""What the ledger keeps of a call that has ended: who, what, how much, and on which counters.

A record stands alone: counters can be made again from the charges of all records. A counter is
named by its key, and its window by `since`, the moment at which it began to count; an edited window
ends at another time and is still the same one.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec


class Outcome(StrEnum):
    """How a call ended.

    A reservation that nobody settled in time EXPIRED, with or without a charge, and so did one of
    which only the end is known; LATE takes its place when somebody settles it after all.
    """

    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"
    LATE = "late"


def replaces(newer: Outcome, known: Outcome) -> bool:
    """Tell whether a record takes the place of a known one of the same call."""
    return newer is Outcome.LATE and known is Outcome.EXPIRED


class Charge(msgspec.Struct, frozen=True, array_like=True):
    """What a call counted on one counter, in the unit that the counter counts.

    `key` is the JSON of the limit's key; `since` and `ends_at` are the bounds of the window, in
    seconds since the epoch, and `ends_at` None never ends.
    """

    key: str
    since: int
    ends_at: int | None
    amount: int


class LedgerRow(msgspec.Struct, frozen=True, array_like=True):
    """One call that has ended; `at` and `settled_at` are microseconds since the epoch.

    A call is known by `request_id` and `at`, the moment of its reservation: the same id after its
    end is another call. Tokens are 0 when nobody said how many there were. `price_version` names
    what `nano` nano-dollars were calculated by, or is None when somebody else did that.
    """

    request_id: str
    at: int
    settled_at: int
    issuer: str | None
    user_id: str | None
    team_id: str | None
    organization_id: str | None
    end_user_id: str | None
    model: str | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    nano: int
    price_version: str | None
    outcome: Outcome
    charges: tuple[Charge, ...]


COLUMNS = (
    *("request_id", "at", "settled_at"),
    *("issuer", "user_id", "team_id", "organization_id", "end_user_id", "model"),
    *("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"),
    *("nano_usd", "price_version", "outcome", "charges"),
)
"""The columns of the table `ledger`, in the order of `LedgerRow`."""

_ENCODER = msgspec.json.Encoder()
_CHARGES = msgspec.json.Decoder(tuple[Charge, ...])


class UnreadableRow(Exception):
    """Text that is no record of ours; never holds any of it."""


def to_columns(row: LedgerRow) -> tuple[str | int | None, ...]:
    """Return what the columns hold; texts without what no database of ours can store."""
    *values, outcome, charges = msgspec.structs.astuple(row)
    texts = (storable(value) if isinstance(value, str) else value for value in values)
    return (*texts, outcome.value, charges_to_json(charges))


def from_columns(columns: Sequence[Any]) -> LedgerRow:
    """Return the record of a row that was read, in the order of COLUMNS.

    Raises:
        UnreadableRow: somebody else wrote it.

    """
    *values, outcome, charges = columns
    try:
        return msgspec.convert((*values, outcome, charges_from_json(charges)), LedgerRow)
    except msgspec.ValidationError:
        raise UnreadableRow from None


def storable(text: str) -> str:
    """Return a text without what no database of ours can store."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def charges_to_json(charges: tuple[Charge, ...]) -> str:
    """Return what the column `charges` holds."""
    return _ENCODER.encode(charges).decode()


def charges_from_json(text: str) -> tuple[Charge, ...]:
    """Return the charges of a row.

    Raises:
        UnreadableRow: the text is not what was written.

    """
    try:
        return _CHARGES.decode(text)
    except msgspec.DecodeError:
        raise UnreadableRow from None
