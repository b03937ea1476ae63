"""`gatepass check` on a real Valkey: there, with the wrong password, and away."""

import json
from pathlib import Path

import pytest

from gatepass.plugin.commands.check import run_check
from gatepass.plugin.commands.check_redis import redis_findings
from gatepass.plugin.directory.broadcast import redis_client
from gatepass.plugin.settings.redis_url import is_protected
from support.gates import settings_file
from support.valkey import ValkeyProcess, valkey_process


async def test_one_that_answers(valkey: ValkeyProcess) -> None:
    (finding,) = await redis_findings(valkey.url(), "tests")
    assert finding.ok
    assert finding.subject == f"redis 127.0.0.1:{valkey.port}"
    assert finding.found == "answers; 0 processes listen as deployment tests"
    async with redis_client(valkey.url()) as redis, redis.pubsub() as listener:
        await listener.subscribe("tests:changes")
        (finding,) = await redis_findings(valkey.url(), "tests")
        assert finding.found == "answers; 1 process listens as deployment tests"


async def test_sec_60_one_that_refuses_the_password_is_reported_without_it() -> None:
    with valkey_process(password="canary-7f3a") as server:
        (finding,) = await redis_findings(server.url(), "tests")
        assert finding.ok
        wrong = server.url().replace("canary-7f3a", "canary-wrong")
        for url in (wrong, server.url().replace(":canary-7f3a@", "")):
            (finding,) = await redis_findings(url, "tests")
            assert not finding.ok
            assert finding.found == "the server refuses the account"
            assert "canary" not in repr(finding)


async def test_one_that_is_away() -> None:
    (finding,) = await redis_findings("redis://127.0.0.1:1", "tests")
    assert (finding.ok, finding.found) == (False, "it does not answer")


def test_the_report_of_a_deployment_names_it(
    valkey: ValkeyProcess, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings_file(tmp_path, stores={"redis": valkey.url()})
    run_check(path, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert f"redis 127.0.0.1:{valkey.port}" in json.dumps(report)


@pytest.mark.parametrize(
    ("url", "protected"),
    [
        ("redis://127.0.0.1", True),
        ("redis://:p@[::1]:6379/0", True),
        ("redis://cache.example.com", False),
        ("rediss://cache.example.com", True),
    ],
)
def test_what_others_could_listen_in_on(url: str, protected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_protected(url) is protected


def test_an_encrypted_server_must_show_a_certificate_for_its_name() -> None:
    options = redis_client("rediss://cache.example.com").connection_pool.connection_kwargs
    assert options["ssl_cert_reqs"] == "required"
    assert options["ssl_check_hostname"] is True
