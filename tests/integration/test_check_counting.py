"""`gatepass check` on a real Valkey that counts budgets, or had better not."""

import json
from pathlib import Path

import pytest

from gatepass.plugin.commands.check import run_check
from gatepass.plugin.commands.check_counting import counting_findings
from gatepass.plugin.redis_place import RedisPlace
from support.gates import settings_file
from support.ports import free_port
from support.valkey import ValkeyProcess, valkey_process


async def test_one_that_keeps_everything() -> None:
    with valkey_process(durable=True) as server:
        (finding,) = await counting_findings(RedisPlace(server.url(), "tests"))
    assert (finding.ok, finding.found) == (True, "counted there, and kept when it stops")


async def test_sec_59_one_that_forgets_throws_away_or_only_follows(valkey: ValkeyProcess) -> None:
    place = RedisPlace(valkey.url(), "tests")
    with valkey.client() as client:
        try:
            client.config_set("maxmemory", "1gb")
            client.config_set("maxmemory-policy", "allkeys-lru")
            client.execute_command("REPLICAOF", "127.0.0.1", free_port())
            found = [finding.found for finding in await counting_findings(place)]
        finally:
            client.execute_command("REPLICAOF", "NO", "ONE")
            client.config_set("maxmemory", "0")
            client.config_set("maxmemory-policy", "noeviction")
    assert found == [
        "it forgets what was spent when it stops: appendonly is no",
        "it throws counters away when memory is short: allkeys-lru",
        "it is a replica, which counts nothing",
    ]


async def test_sec_60_one_that_refuses_us_is_reported_without_the_password() -> None:
    with valkey_process(password="canary-7f3a") as server:
        wrong = server.url().replace("canary-7f3a", "canary-no")
        (finding,) = await counting_findings(RedisPlace(wrong, "tests"))
    assert not finding.ok
    assert "canary" not in repr(finding)


@pytest.mark.parametrize(("engine", "told"), [("redis", True), ("memory", False)])
def test_it_is_asked_only_where_it_counts(
    valkey: ValkeyProcess,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    engine: str,
    told: bool,  # noqa: FBT001 - a column of the table
) -> None:
    path = settings_file(tmp_path, stores={"redis": valkey.url()}, budgets={"engine": engine})
    status = run_check(path, as_json=True)
    report = capsys.readouterr().out
    assert ("appendonly" in report) is told
    assert json.loads(report)
    assert status == int(told)
