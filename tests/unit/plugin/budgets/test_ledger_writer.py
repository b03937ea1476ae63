"""Group commits: what waits for what, and that nothing is lost, repeated or out of order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from gatepass.plugin.budgets.ledger_rows import LedgerRow, Outcome
from gatepass.plugin.budgets.ledger_writer import GROUP_ROWS, LedgerFull, LedgerWriter
from gatepass.plugin.errors import StoreUnavailable
from support.ledgers import row


class ScriptedStore:
    """Keeps groups; is away, slow or particular when told so."""

    def __init__(self) -> None:
        self.groups: list[list[str]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.failures = 0
        self.unwritable: set[str] = set()

    async def append(self, rows: Sequence[LedgerRow]) -> None:
        await self.open.wait()
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable
        if self.unwritable & {row.request_id for row in rows}:
            raise ValueError("canary-7f3a")
        self.groups.append([row.request_id for row in rows])

    @property
    def kept(self) -> list[str]:
        return [request_id for group in self.groups for request_id in group]


@asynccontextmanager
async def writing(store: ScriptedStore, max_queued_rows: int = 10) -> AsyncIterator[LedgerWriter]:
    writer = LedgerWriter(store, group_seconds=0, max_queued_rows=max_queued_rows)
    writer.start()
    try:
        yield writer
    finally:
        await writer.close(patience_seconds=0.05)


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_nobody_hears_of_a_record_that_is_not_kept_yet() -> None:
    store = ScriptedStore()
    store.open.clear()
    async with writing(store) as writer:
        waiting = [asyncio.create_task(writer.record(row(number))) for number in (1, 2)]
        await _turns()
        assert len(writer) == 2
        assert not any(task.done() for task in waiting)
        store.open.set()
        await asyncio.gather(*waiting)
        assert len(writer) == 0
        await writer.durable("r-1")
        await writer.durable("never seen")
    assert store.groups == [["r-1", "r-2"]]


async def test_what_comes_while_a_group_is_written_becomes_the_next_group() -> None:
    store = ScriptedStore()
    store.open.clear()
    async with writing(store) as writer:
        writer.put(row(1))
        await _turns()
        writer.put(row(2))
        writer.put(row(3))
        store.open.set()
        await writer.durable("r-3")
    assert store.groups == [["r-1"], ["r-2", "r-3"]]


async def test_a_group_waits_a_moment_for_others() -> None:
    store = ScriptedStore()
    writer = LedgerWriter(store, group_seconds=0.02)
    writer.start()
    writer.put(row(1))
    await asyncio.sleep(0.005)
    writer.put(row(2))
    await writer.durable("r-1")
    assert store.groups == [["r-1", "r-2"]]
    await writer.close()


async def test_a_group_has_an_end() -> None:
    store = ScriptedStore()
    async with writing(store, max_queued_rows=GROUP_ROWS + 1) as writer:
        for number in range(GROUP_ROWS + 1):
            writer.put(row(number))
        await writer.durable(f"r-{GROUP_ROWS}")
    assert [len(group) for group in store.groups] == [GROUP_ROWS, 1]


async def test_a_store_that_comes_back_gets_every_group_in_order() -> None:
    store = ScriptedStore()
    store.failures = 1
    async with writing(store) as writer:
        writer.put(row(1))
        await _turns()
        writer.put(row(2))
        await writer.durable("r-2")
    assert store.groups == [["r-1"], ["r-2"]]


async def test_a_full_queue_takes_nothing_and_says_so() -> None:
    store = ScriptedStore()
    store.open.clear()
    async with writing(store, max_queued_rows=2) as writer:
        writer.put(row(1))
        assert not writer.is_full
        writer.put(row(2))
        assert writer.is_full
        with pytest.raises(LedgerFull):
            writer.put(row(3))
        store.open.set()
        await writer.durable("r-2")
        assert not writer.is_full
    assert store.kept == ["r-1", "r-2"]


async def test_a_record_that_cannot_be_kept_does_not_stop_the_others() -> None:
    store = ScriptedStore()
    store.unwritable = {"r-2"}
    async with writing(store) as writer:
        ends = await asyncio.gather(
            *(writer.record(row(number)) for number in (1, 2, 3)), return_exceptions=True
        )
        assert writer.refused == 1
    assert [type(end) for end in ends] == [type(None), StoreUnavailable, type(None)]
    assert store.kept == ["r-1", "r-3"]


async def test_sec_60_a_refused_record_is_logged_without_a_word_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = ScriptedStore()
    store.unwritable = {"r-1"}
    async with writing(store) as writer:
        with pytest.raises(StoreUnavailable):
            await writer.record(row(1))
    assert "refused by the ledger" in caplog.text
    assert "canary" not in caplog.text


async def test_a_correction_before_its_time_takes_the_place_of_what_it_corrects() -> None:
    store = ScriptedStore()
    kept: list[LedgerRow] = []
    async with writing(store) as writer:
        writer.put(row(1, outcome=Outcome.EXPIRED))
        writer.put(row(1, outcome=Outcome.LATE, nano=1))
        writer.put(row(1, outcome=Outcome.EXPIRED))
        kept += writer._groups[0].rows.values()
        await writer.durable("r-1")
    assert [(record.outcome, record.nano) for record in kept] == [(Outcome.LATE, 1)]


async def test_closing_writes_what_is_queued() -> None:
    store = ScriptedStore()
    async with writing(store) as writer:
        writer.put(row(1))
    assert store.kept == ["r-1"]
    with pytest.raises(LedgerFull):
        writer.put(row(2))


async def test_closing_does_not_wait_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    store = ScriptedStore()
    store.open.clear()
    async with writing(store) as writer:
        writer.put(row(1))
        await _turns()
    assert store.kept == []
    assert "could not be written" in caplog.text


async def test_a_writer_that_was_never_started_can_be_closed() -> None:
    await LedgerWriter(ScriptedStore()).close()
