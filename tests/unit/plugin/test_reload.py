"""New settings while serving: all at once, or not at all (SEC-50)."""

import asyncio
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin import Gate, load_settings
from gatepass.plugin.reload import Reloader
from support.gates import (
    KEY,
    OUR_ISSUER,
    WITHOUT_KEYS,
    chat,
    code_of,
    open_gate,
    rules,
    settings_file,
    token,
)
from support.jwks_server import JwksServer, after, ok, status
from support.tokens import key_set, signing_key


def reloader(gate: Gate, folder: Path) -> Reloader:
    path = folder / "gatepass.yaml"
    return Reloader(gate, path, load_settings(path))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"profiles": rules(models=["o1"])}, "model_denied"),
        ({"profiles": rules(routes=[])}, "route_denied"),
        ({"profiles": {"other": {}}}, "profile_unknown"),
        ({"issuers": [{**OUR_ISSUER, "audience": "another"}]}, "bad_audience"),
        ({"issuers": [{**OUR_ISSUER, "issuer": "https://new.example"}]}, "bad_issuer"),
        (
            {"issuers": [{**OUR_ISSUER, "jwks": {"keys": [signing_key("EdDSA", "new").jwk()]}}]},
            "unknown_key",
        ),
        ({"token_headers": ["x-token"]}, "no_token"),
        (
            {"roles": {"mappings": [{"value": "staff", "role": "org_admin"}]}},
            "route_denied",
        ),
    ],
)
async def test_sec_50_nothing_that_was_remembered_outlives_its_settings(
    tmp_path: Path, change: dict[str, object], code: str
) -> None:
    async with open_gate(tmp_path) as gate:
        reloading = reloader(gate, tmp_path)
        request = chat(token(groups=["staff"]))
        assert await code_of(gate, request) == "allowed"
        assert gate.decide_warm(request) is not None
        settings_file(tmp_path, **change)
        assert await reloading.reload() == []
        assert await code_of(gate, request) == code
        settings_file(tmp_path)
        assert await reloading.reload() == []
        assert await code_of(gate, request) == "allowed"


async def test_sec_50_new_headers_are_removed_and_set_at_once(tmp_path: Path) -> None:
    async with open_gate(tmp_path) as gate:
        reloading = reloader(gate, tmp_path)
        await gate.decide(chat())
        settings_file(tmp_path, headers={"user": "x-corp-user", "reserved": ["x-corp-admin"]})
        await reloading.reload()
        decision = await gate.decide(chat())
        assert (b"x-corp-user", b"ann") in decision.set_headers
        assert {b"x-corp-user", b"x-corp-admin"} <= decision.remove_headers
        assert b"x-gatepass-user" not in decision.remove_headers


@pytest.mark.parametrize(
    "wrong",
    ["", "issuers: [", "issuers: []\nprofiles: {default: {}}", "\x00", "no: such\nsetting: here"],
)
async def test_a_wrong_file_changes_nothing(tmp_path: Path, wrong: str) -> None:
    async with open_gate(tmp_path) as gate:
        reloading = reloader(gate, tmp_path)
        path = tmp_path / "gatepass.yaml"
        path.write_text(wrong)
        with pytest.raises(ConfigurationError) as error:
            await reloading.reload()
        assert all(problem.startswith(str(path)) for problem in error.value.problems)
        assert await code_of(gate, chat()) == "allowed"
        path.unlink()
        with pytest.raises(ConfigurationError):
            await reloading.reload()
        assert await code_of(gate, chat()) == "allowed"


async def test_what_needs_a_restart_is_named_until_the_file_is_what_runs(tmp_path: Path) -> None:
    async with open_gate(tmp_path) as gate:
        reloading = reloader(gate, tmp_path)
        settings_file(
            tmp_path,
            stores={"database": "sqlite:///other.db"},
            doors={"http": {"listen": "127.0.0.1:1"}},
            budgets={"engine": "none", "reservation_timeout": "5m"},
        )
        for _ in range(2):
            assert await reloading.reload() == [
                "stores.database: changed; takes effect at the next start",
                "doors: changed; takes effect at the next start",
                "budgets.engine: changed; takes effect at the next start",
            ]
        assert await code_of(gate, chat()) == "allowed"
        settings_file(tmp_path)
        assert await reloading.reload() == []
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    ("doors", "named"),
    [({}, False), ({"kong": {"socket": "/run/k.sock"}}, True), ({"apisix": {}}, True)],
)
async def test_a_door_that_does_not_ask_for_certificates_yet_is_told(
    tmp_path: Path, doors: dict[str, object], *, named: bool
) -> None:
    bound = [{**OUR_ISSUER, "sender_constrained": {"mtls": "optional"}}]
    async with open_gate(tmp_path, doors=doors) as gate:
        reloading = reloader(gate, tmp_path)
        settings_file(tmp_path, doors=doors, issuers=bound)
        for _ in range(2):
            notes = await reloading.reload()
            assert [note.partition(": ")[0] for note in notes] == [
                "issuers[].sender_constrained.mtls"
            ] * named
        settings_file(tmp_path, doors=doors)
        assert await reloading.reload() == []
    async with open_gate(tmp_path, doors=doors, issuers=bound) as gate:
        reloading = reloader(gate, tmp_path)
        settings_file(tmp_path, doors=doors)
        assert await reloading.reload() == [], "who asks already asks on"


async def test_of_two_reloads_the_file_as_it_was_read_last_counts(tmp_path: Path) -> None:
    async with JwksServer() as server, open_gate(tmp_path) as gate:
        reloading = reloader(gate, tmp_path)
        slow = server.serve("/slow", after(0.04, ok(key_set(KEY))))
        issuer = {**WITHOUT_KEYS, "jwks_uri": slow, "allow_http_loopback": True}
        settings_file(tmp_path, issuers=[issuer], profiles=rules(models=["o1"]))
        first = asyncio.create_task(reloading.reload())
        await asyncio.sleep(0.01)
        settings_file(tmp_path)
        await asyncio.gather(first, reloading.reload())
        assert await code_of(gate, chat()) == "allowed"


async def test_requests_under_way_finish_by_the_old_rules(tmp_path: Path) -> None:
    async with JwksServer() as server:
        slow = server.serve("/keys", after(0.03, ok(key_set(KEY))))
        issuer = {**WITHOUT_KEYS, "jwks_uri": slow, "allow_http_loopback": True}
        async with open_gate(tmp_path, issuers=[issuer]) as gate:
            requests = [asyncio.create_task(gate.decide(chat(token(jti=str(n))))) for n in range(5)]
            await asyncio.sleep(0)
            settings_file(tmp_path, profiles=rules(routes=[]))
            await reloader(gate, tmp_path).reload()
            assert await code_of(gate, chat()) == "route_denied"
            assert {(await request).reason.code for request in requests} == {"allowed"}


async def test_a_reload_while_an_issuer_is_away_keeps_its_keys(tmp_path: Path) -> None:
    async with JwksServer() as server:
        url = server.serve("/keys", ok(key_set(KEY)))
        away = {**WITHOUT_KEYS, "jwks_uri": url, "allow_http_loopback": True}
        async with open_gate(tmp_path, issuers=[away]) as gate:
            reloading = reloader(gate, tmp_path)
            assert await code_of(gate, chat(token())) == "allowed"
            server.serve("/keys", status(500))
            assert await reloading.reload() == []
            assert await code_of(gate, chat(token())) == "allowed"


async def test_a_reload_that_is_cut_short_leaves_no_load_running(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def hang(_: asyncio.StreamWriter) -> None:
        asked.set()
        await asyncio.Event().wait()

    async with JwksServer() as server, open_gate(tmp_path) as gate:
        issuer = {**WITHOUT_KEYS, "jwks_uri": server.serve("/", hang), "allow_http_loopback": True}
        before = asyncio.all_tasks()
        settings_file(tmp_path, issuers=[issuer])
        reload = asyncio.create_task(reloader(gate, tmp_path).reload())
        await asked.wait()
        reload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reload
        started = [str(task.get_coro()) for task in asyncio.all_tasks() - before]
        assert not [name for name in started if "Keeper" in name]
        assert await code_of(gate, chat()) == "allowed"
