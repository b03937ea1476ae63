"""What ends a reload does not end reloading."""

import asyncio
import logging
from pathlib import Path

import pytest

from gatepass.plugin import Gate, load_settings
from gatepass.plugin.commands.serving import _reload_on
from gatepass.plugin.reload import Reloader
from support.gates import open_gate


class FaultyReloader(Reloader):
    """Fails at its first reload in a way that nobody expected."""

    def __init__(self, gate: Gate, path: Path) -> None:
        super().__init__(gate, path, load_settings(path))
        self.reloads = 0
        self.reloaded = asyncio.Event()

    async def reload(self) -> list[str]:
        self.reloads += 1
        try:
            if self.reloads == 1:
                raise RuntimeError("canary-of-a-bug")
            return await super().reload()
        finally:
            self.reloaded.set()


async def test_sec_60_a_bug_while_reloading_is_told_by_its_type_and_the_next_one_counts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hung_up = asyncio.Event()
    async with open_gate(tmp_path) as gate:
        reloader = FaultyReloader(gate, tmp_path / "gatepass.yaml")
        with caplog.at_level(logging.WARNING, "gatepass.serve"):
            task = asyncio.create_task(_reload_on(hung_up, reloader))
            for _ in range(2):
                hung_up.set()
                await asyncio.wait_for(reloader.reloaded.wait(), 10)
                reloader.reloaded.clear()
            task.cancel()
    assert caplog.messages == ["internal fault while reloading", "settings reloaded"]
    assert [getattr(record, "fault", None) for record in caplog.records] == ["RuntimeError", None]
    assert "canary" not in caplog.text
