"""What a shared store remembers of a reservation for whoever settles it: a memo, as text."""

from functools import lru_cache
from secrets import token_hex

import msgspec

from gatepass.plugin.budgets.amounts import Amounts
from gatepass.plugin.budgets.engine import Call, Pending
from gatepass.plugin.budgets.ledger_rows import storable
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.metering.prices import Price

_REMEMBERED_PRICES = 1_000


class _Memo(msgspec.Struct, array_like=True):
    model: str
    price: msgspec.Raw
    estimate: Amounts
    nonce: str = ""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Memo)


def write_memo(call: Call) -> str:
    """Return a memo of a call that no other is equal to, also not of the same call."""
    # prices are few, so that theirs are written once
    memo = _Memo(storable(call.model), _written(call.price), call.estimate, token_hex(8))
    return _ENCODER.encode(memo).decode()


def read_memo(memo: str, *, is_settled: bool) -> Pending:
    """Return what a memo says.

    Raises:
        StoreUnavailable: somebody else wrote it.

    """
    try:
        read = _DECODER.decode(memo)
        price = _read(bytes(read.price))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreUnavailable from error
    return Pending(read.model, price, read.estimate, is_settled)


@lru_cache(maxsize=_REMEMBERED_PRICES)
def _written(price: Price | None) -> msgspec.Raw:
    return msgspec.Raw(_ENCODER.encode(price))


@lru_cache(maxsize=_REMEMBERED_PRICES)
def _read(price: bytes) -> Price | None:
    return msgspec.json.decode(price, type=Price | None)
