"""`gatepass budgets verify|rebuild|export|prune` on the file that a service has written."""

import asyncio
import csv
import io
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyarrow.parquet import read_table
from typer.testing import CliRunner, Result

from gatepass.plugin.budgets.ledger_rows import COLUMNS, LedgerRow
from gatepass.plugin.budgets.lock import ProcessLock, lock_path
from gatepass.plugin.cli import app
from support.databases import make_file
from support.directories import query
from support.ledgers import ANN, RED, charge, open_ledger, row, stored
from support.settings import LEAST_TEXT

DAY = 86_400
NOON = 1_767_268_800  # the first of January 2026, 12:00 UTC


@pytest.fixture
async def settings(tmp_path: Path) -> Path:
    """Settings beside a file in which four calls have ended, each a day after the other."""
    path = tmp_path / "gatepass.yaml"
    path.write_text(LEAST_TEXT)
    file = path.with_name("gatepass.db")
    await make_file(file)
    async with open_ledger(file) as ledger:
        for day in range(4):
            await ledger.append([ended(day)])
    return path


def ended(day: int) -> LedgerRow:
    return row(
        day,
        settled_at=(NOON + day * DAY) * 1_000_000 + 7,
        charges=(charge(ends_at=None), charge(key=ANN, since=day, ends_at=None)),
    )


async def budgets(settings: Path, *words: str) -> Result:
    arguments = ["budgets", *words, "-c", str(settings)]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


def file_of(settings: Path) -> Path:
    return settings.with_name("gatepass.db")


async def test_counters_that_agree_are_a_success(settings: Path) -> None:
    done = await budgets(settings, "verify")
    assert (done.exit_code, done.stdout) == (0, "counters and ledger agree\n")
    done = await budgets(settings, "verify", "--json")
    assert json.loads(done.stdout) == {"ok": True, "differences": []}


async def test_a_wrong_counter_is_named_and_made_right(settings: Path) -> None:
    query(file_of(settings), "UPDATE budget_counters SET spent = 9 WHERE counter = ?", RED)
    done = await budgets(settings, "verify")
    assert done.exit_code == 1
    assert f"{RED}  spent  9        20" in done.stdout
    assert "gatepass budgets rebuild" in done.stderr
    done = await budgets(settings, "verify", "--json")
    assert json.loads(done.stdout)["differences"] == [
        {"counter": RED, "what": "spent", "counted": 9, "expected": 20}
    ]
    done = await budgets(settings, "rebuild", "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"counters": 2})
    assert (await budgets(settings, "verify")).exit_code == 0
    assert (await budgets(settings, "rebuild")).stdout == "2 counters made anew\n"


async def test_nothing_is_made_anew_under_a_running_service(settings: Path) -> None:
    async with ProcessLock(lock_path(file_of(settings))):
        done = await budgets(settings, "rebuild")
    assert done.exit_code != 0
    assert "another process holds" in str(done.exception)
    await asyncio.to_thread(settings.write_text, f"{LEAST_TEXT}\nbudgets: {{engine: sql}}\n")
    async with ProcessLock(lock_path(file_of(settings))):
        assert (await budgets(settings, "rebuild")).exit_code == 0


async def test_the_export_has_a_line_for_each_call(settings: Path, tmp_path: Path) -> None:
    done = await budgets(settings, "export", "--from", "2026-01-02", "--until", "2026-01-04")
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [line["request_id"] for line in lines] == ["r-1", "r-2"]
    assert lines[0]["settled_at"] == "2026-01-02T12:00:00.000007+00:00"
    assert (lines[0]["user_id"], lines[0]["nano_usd"], lines[0]["end_user_id"]) == ("ann", "5", "")
    assert json.loads(lines[0]["charges"])[0] == [RED, 100, None, 5]
    assert done.stderr == "2 records\n"

    output = tmp_path / "all.csv"
    assert (await budgets(settings, "export", "-o", str(output))).exit_code == 0
    assert len(output.read_text().splitlines()) == 1 + 4


async def test_the_export_can_be_a_file_of_columns(settings: Path, tmp_path: Path) -> None:
    output = tmp_path / "all.parquet"
    words = ("export", "--format", "parquet", "--from", "2026-01-02", "-o", str(output))
    done = await budgets(settings, *words)
    assert (done.exit_code, done.stderr) == (0, "3 records\n")
    table = read_table(output)
    assert tuple(table.column_names) == COLUMNS
    first = table.to_pylist()[0]
    assert (first["request_id"], first["nano_usd"], first["end_user_id"]) == ("r-1", 5, None)
    assert first["settled_at"] == datetime(2026, 1, 2, 12, 0, 0, 7, tzinfo=UTC)

    done = await budgets(settings, "export", "--format", "parquet")
    assert "needs the name of a file" in str(done.exception)


async def test_a_file_of_columns_needs_the_library(
    settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = await budgets(settings, "export", "--format", "parquet", "-o", str(tmp_path / "x"))
    assert "gatepass[parquet]" in str(done.exception)


async def test_an_export_that_cannot_be_written_says_so(settings: Path, tmp_path: Path) -> None:
    for kind in ("csv", "parquet"):
        done = await budgets(settings, "export", "--format", kind, "-o", str(tmp_path))
        assert done.exit_code != 0
        assert "cannot be written" in str(done.exception)


async def test_pruning_takes_old_records_and_keeps_what_was_spent(settings: Path) -> None:
    file = file_of(settings)
    recent = int(time.time() - DAY) * 1_000_000
    async with open_ledger(file) as ledger:
        await ledger.append([row(9, settled_at=recent, charges=(charge(ends_at=None),))])
    done = await budgets(settings, "prune", "--older-than", "2d")
    assert (done.exit_code, done.stdout) == (0, "4 records taken out\n")
    assert [request_id for request_id, *_ in stored(file)] == ["r-9"]
    assert (await budgets(settings, "verify")).exit_code == 0
    done = await budgets(settings, "prune", "--older-than", "2d", "--json")
    assert json.loads(done.stdout) == {"pruned": 0}


@pytest.mark.parametrize(
    ("age", "told"), [("19m", "could still be settled"), ("soon", "not a duration")]
)
async def test_what_may_still_be_settled_is_not_pruned(settings: Path, age: str, told: str) -> None:
    done = await budgets(settings, "prune", "--older-than", age)
    assert done.exit_code != 0
    assert told in done.stderr + str(done.exception)
    assert len(stored(file_of(settings))) == 4
