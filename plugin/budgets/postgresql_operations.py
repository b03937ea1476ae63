"""The SQL engine's operations on a PostgreSQL server: one function call for a whole batch."""

from collections.abc import Sequence
from math import floor
from typing import Any

import msgspec

from gatepass.plugin.budgets.arithmetic import Count
from gatepass.plugin.budgets.engine import EngineRules, Settlement, Unsettled
from gatepass.plugin.budgets.limits import AppliedLimit
from gatepass.plugin.budgets.postgresql_functions import DO, FUNCTIONS
from gatepass.plugin.budgets.postgresql_link import PostgresqlLink
from gatepass.plugin.budgets.recording import microseconds
from gatepass.plugin.budgets.sql_operations import (
    Counts,
    End,
    Find,
    Found,
    Look,
    Operation,
    Reserve,
    Result,
    Withdraw,
)

_ENCODER = msgspec.json.Encoder()


class PostgresqlOperations:
    """Does operations on the server behind a URL.

    Raises:
        ConfigurationError: the URL cannot be one, or the driver is not installed.

    """

    def __init__(self, url: str) -> None:
        self._link = PostgresqlLink(url, prepare=FUNCTIONS)

    async def do(
        self, operations: Sequence[Operation], rules: EngineRules, now: float
    ) -> Sequence[Result]:
        """Do all of them in one transaction; see `Operations.do`."""
        asked = [_written(operation, now) for operation in operations]
        async with self._link.connection() as connection:
            answered = await connection.fetchval(
                DO,
                _ENCODER.encode(asked).decode(),
                rules.admission.value,
                rules.unsettled is Unsettled.CHARGE,
                floor(now),
                microseconds(now),
                microseconds(rules.reservation_timeout_seconds),
            )
        answers = msgspec.json.decode(answered)
        return [_read(*pair) for pair in zip(operations, answers, strict=True)]

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()


def _written(operation: Operation, now: float) -> dict[str, Any]:
    match operation:
        case Reserve():
            written: dict[str, Any] = {
                "do": "reserve",
                "id": operation.request_id,
                "limits": [_limit(limit, now) for limit in operation.limits],
                "estimate": operation.estimate,
                "who": operation.who,
                "model": operation.model,
                "version": operation.price_version,
                "memo": operation.memo,
            }
            if operation.cost is not None:
                written["cost"] = _end(operation.cost)
            return written
        case End():
            return _end(operation)
        case Withdraw(request_id, memos):
            return {"do": "withdraw", "id": request_id, "memos": memos}
        case Look(limits):
            return {"do": "look", "limits": [_limit(limit, now) for limit in limits]}
        case Find(request_id):
            return {"do": "find", "id": request_id}


def _limit(limit: AppliedLimit, now: float) -> tuple[str, str, int, int, int | None]:
    ends_at = limit.window.bounds(now)[1]
    return limit.counter, limit.definition, limit.part, limit.hard_at(now), ends_at


def _end(cost: End) -> dict[str, Any]:
    return {
        "do": "end",
        "id": cost.request_id,
        "amounts": cost.amounts,
        "tokens": cost.tokens,
        "outcome": cost.outcome.value,
        "priced": cost.priced,
    }


def _read(operation: Operation, answer: Any) -> Result:  # noqa: ANN401 - JSON
    if answer is None:
        return None
    if isinstance(answer, str):
        return Settlement(answer)
    if isinstance(operation, Find):
        return Found(*answer)
    refused, counts = answer
    return Counts([None if count is None else Count(*count) for count in counts], refused)
