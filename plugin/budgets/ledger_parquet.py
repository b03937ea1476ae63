"""The ledger as a Parquet file, for those who count much; needs the extra `parquet`.

Times are timestamps of UTC and amounts whole numbers, as in the database. Rows are written as they
are read, a group at a time, so that a long ledger needs little memory.
"""

from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.budgets.ledger_export import ended_calls, unwritable
from gatepass.plugin.budgets.ledger_rows import COLUMNS

GROUP_ROWS = 50_000
_TIMES = ("at", "settled_at")
_NUMBERS = (
    *("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens"),
    "nano_usd",
)
_MISSING = "export: Parquet needs the library pyarrow; install gatepass[parquet]"


async def write_parquet(connection: AsyncConnection, output: Path, since: int, until: int) -> int:
    """Write the calls that ended in a time, and return how many there were.

    `since` and `until` are seconds since the epoch; the latter is not in it.

    Raises:
        ConfigurationError: the library is not there, or the file cannot be written.

    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - an extra
    except ImportError as missing:
        raise ConfigurationError([_MISSING]) from missing
    kinds = dict.fromkeys(_TIMES, pa.timestamp("us", "UTC")) | dict.fromkeys(_NUMBERS, pa.int64())
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    count = 0
    rows: list[tuple[object, ...]] = []
    try:
        writer = ParquetWriter(output, schema)
    except OSError as error:
        raise unwritable(output) from error
    with writer:

        def write() -> None:
            columns = [
                pa.array([row[at] for row in rows], field.type) for at, field in enumerate(schema)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema))
            rows.clear()

        async for row in ended_calls(connection, since, until):
            rows.append(tuple(row))
            count += 1
            if len(rows) == GROUP_ROWS:
                write()
        write()
    return count
