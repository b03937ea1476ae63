"""What a reservation remembers for whoever settles it, and what a record says of its end."""

from typing import Final

import msgspec

from gatepass.plugin.budgets.amounts import Amounts, InvalidAmount
from gatepass.plugin.budgets.engine import Call, Cost, Payer
from gatepass.plugin.budgets.ledger_rows import Outcome
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.metering.prices import NO_PART_RATES, PartRates, Price

_MAX_PRICES = 1_000
_ENCODER = msgspec.json.Encoder()


class Memo(msgspec.Struct, frozen=True, array_like=True):
    """A call without its limits and its estimate."""

    request_id: str
    who: Payer
    model: str
    price: msgspec.Raw


class End(msgspec.Struct, frozen=True, array_like=True):
    """How a call ended; `ended_at` is in microseconds since the epoch.

    `amounts` None are those that an overdue one was charged: its estimate, or nothing.
    """

    outcome: Outcome
    ended_at: int
    charged: bool
    amounts: Amounts | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    is_counted: bool = False


_MEMOS: Final = msgspec.json.Decoder(Memo)
_ENDS: Final = msgspec.json.Decoder(End)


class _PriceWords(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A price without what follows from the rest."""

    asked: int
    answered: int
    bound: int
    version: str = ""
    request_nano: int = 0
    tiers: tuple[tuple[int, "_PriceWords"], ...] = ()
    parts: PartRates = NO_PART_RATES


def _words(price: Price | None) -> _PriceWords | None:
    if price is None:
        return None
    tiers = [(start, _words(dearer)) for start, dearer in price.tiers]
    return _PriceWords(
        price.input_nano_per_million_tokens,
        price.output_nano_per_million_tokens,
        price.max_output_tokens,
        price.version,
        price.request_nano,
        tuple((start, words) for start, words in tiers if words is not None),
        price.parts,
    )


def _price(words: _PriceWords | None) -> Price | None:
    if words is None:
        return None
    tiers = [(start, _price(dearer)) for start, dearer in words.tiers]
    return Price(
        words.asked,
        words.answered,
        words.bound,
        words.parts,
        words.request_nano,
        tuple((start, price) for start, price in tiers if price is not None),
        words.version,
    )


class Memos:
    """Writes memos; prices are few and live long, so that each is written once."""

    def __init__(self) -> None:
        self._prices: dict[int, tuple[Price | None, msgspec.Raw]] = {}

    def write(self, call: Call) -> bytes:
        """Return the memo of a call."""
        price = call.price
        known = self._prices.get(id(price))
        if known is None:
            if len(self._prices) >= _MAX_PRICES:
                self._prices.clear()
            known = price, msgspec.Raw(_ENCODER.encode(_words(price)))
            self._prices[id(price)] = known  # which keeps the price, and so its id
        return _ENCODER.encode(Memo(call.request_id, call.who, call.model, known[1]))


def read_memo(memo: bytes) -> tuple[Memo, Price | None]:
    """Return what a memo says.

    Raises:
        StoreUnavailable: somebody else wrote it.

    """
    try:
        read = _MEMOS.decode(memo)
        words = msgspec.json.decode(read.price, type=_PriceWords | None)
        return read, _price(words)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidAmount) as error:
        raise StoreUnavailable from error


def write_end(cost: Cost, ended_at: int) -> bytes:
    """Return what a record says of a call that was settled."""
    usage = cost.usage
    if usage is None:
        return _ENCODER.encode(End(cost.outcome, ended_at, charged=False, amounts=cost.amounts))
    return _ENCODER.encode(
        End(
            cost.outcome,
            ended_at,
            False,  # noqa: FBT003 - by place, because this is done for every call
            cost.amounts,
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_tokens,
            usage.reasoning_tokens,
            True,  # noqa: FBT003 - the same
        )
    )


def write_overdue(ended_at: int, *, charged: bool) -> bytes:
    """Return what a record says of a call that nobody settled in time."""
    return _ENCODER.encode(End(Outcome.EXPIRED, ended_at, charged))


def read_end(end: bytes) -> End:
    """Return what was written.

    Raises:
        StoreUnavailable: somebody else wrote it.

    """
    try:
        return _ENDS.decode(end)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreUnavailable from error
