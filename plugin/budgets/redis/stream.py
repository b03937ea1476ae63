"""Records of the stream, read as rows of the ledger.

An entry has the reservation as it was when it ended (`call`) and what came of it (`end`). The
reservation names its counters and their windows; so the charges can be told long after the window
is over. A reservation that was overdue when somebody settled it makes a second entry, LATE.
"""

from collections.abc import Mapping

from gatepass.plugin.budgets.amounts import NOTHING
from gatepass.plugin.budgets.ledger_rows import Charge, LedgerRow, Outcome
from gatepass.plugin.budgets.redis.layout import OPEN, Keys, read_call
from gatepass.plugin.budgets.redis.memo import read_end, read_memo
from gatepass.plugin.errors import StoreUnavailable


def ledger_row(fields: Mapping[bytes, bytes], keys: Keys) -> LedgerRow:
    """Return the row of an entry of the stream.

    Raises:
        StoreUnavailable: somebody else wrote it.

    """
    try:
        call, end = read_call(fields[b"call"], keys), read_end(fields[b"end"])
    except KeyError as missing:
        raise StoreUnavailable from missing
    memo, price = read_memo(call.memo)
    amounts = end.amounts
    if amounts is None:
        amounts = call.estimate if end.charged else NOTHING
    return LedgerRow(
        memo.request_id,
        call.made_at,
        end.ended_at,
        *memo.who,
        memo.model or None,
        end.input_tokens,
        end.output_tokens,
        end.cached_tokens,
        end.reasoning_tokens,
        amounts.nano,
        price.version or None if price is not None and end.is_counted else None,
        end.outcome if call.state == OPEN else Outcome.LATE,
        tuple(
            Charge(name, count.since, count.ends_at, amounts[part])
            for name, count, part in zip(call.names, call.counters, call.parts, strict=True)
        ),
    )
