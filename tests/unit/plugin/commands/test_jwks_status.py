"""How the keys of the issuers stand, for people and for machines."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatepass.jwks.errors import ConfigurationError
from gatepass.jwks.keeper import NEVER_TRIED
from gatepass.jwks.status import IssuerStatus
from gatepass.plugin.cli import app
from gatepass.plugin.commands.jwks_report import report_on, to_do
from gatepass.plugin.commands.jwks_status import run_jwks_status
from gatepass.plugin.gateways.listener import Address
from gatepass.plugin.gateways.status_door import status_app
from gatepass.plugin.settings.compiled import StatusDoor
from gatepass.plugin.telemetry.health import Health
from support.doors import LOOPBACK, LoopThread, serving
from support.gates import OUR_ISSUER, WITHOUT_KEYS, settings_file
from support.ports import free_port
from support.tokens import ISSUER, signing_key
from support.watched import ASKED, AWAY, GOOD, STALE, ScriptedWatched


@contextmanager
def service(
    watched: ScriptedWatched, address: Address, *, strange: bool = False
) -> Iterator[Address]:
    readers = () if strange else LOOPBACK
    loop = LoopThread()
    try:
        with serving(status_app(watched, StatusDoor(address, readers)), address, loop) as at:
            yield at
    finally:
        loop.close()


def health(*issuers: IssuerStatus, store: bool = True) -> Health:
    return Health(ready=True, store=store, issuers=issuers, introspections=(ASKED,))


def shown(capsys: pytest.CaptureFixture[str], *issuers: IssuerStatus, store: bool = True) -> str:
    report_on(health(*issuers, store=store), as_json=False)
    return capsys.readouterr().out


def test_a_running_service_tells_it_over_http_and_a_unix_socket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = ScriptedWatched(GOOD, STALE, introspections=[ASKED])
    with service(watched, Address("127.0.0.1", 0)) as at:
        assert run_jwks_status(f"http://{at}", None, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    path = tmp_path / "status.sock"
    with service(watched, Address(path=path)):
        assert run_jwks_status(f"unix:{path}", None, as_json=True) == 1
    assert json.loads(capsys.readouterr().out) == told
    assert (told["ok"], told["ready"], told["store"]) == (False, True, True)
    good, stale = told["issuers"]
    assert (good["state"], good["key_ids"], good["to_do"]) == ("fresh", ["kid-canary", None], [])
    assert (stale["state"], stale["failures"], stale["last_error"]) == ("stale", 5, "timeout")
    assert stale["skipped"] == {"private": 1, "unsupported": 2}
    assert len(stale["to_do"]) == 2
    assert told["introspections"][0]["issuer"] == ASKED.issuer


def test_who_may_not_read_is_told_who_may() -> None:
    with (
        service(ScriptedWatched(GOOD), Address("127.0.0.1", 0), strange=True) as at,
        pytest.raises(ConfigurationError, match=r"answered 404; .*doors\.status\.readers"),
    ):
        run_jwks_status(f"http://{at}", None, as_json=False)


def test_nobody_there_is_no_answer(tmp_path: Path) -> None:
    for url in (f"http://127.0.0.1:{free_port()}", f"unix:{tmp_path}/none.sock"):
        with pytest.raises(ConfigurationError, match=r"no connection|connection refused") as none:
            run_jwks_status(url, None, as_json=False)
        assert "settings with -c" in str(none.value)
    with pytest.raises(ConfigurationError, match="URL: "):
        run_jwks_status("http://user:secret@host", None, as_json=False)


def test_settings_ask_the_issuers_from_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    symmetric = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}
    keys = {"keys": [signing_key("EdDSA", "good").jwk(), symmetric]}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    path = settings_file(tmp_path, issuers=[WITHOUT_KEYS | {"jwks_file": "keys.json"}])
    assert run_jwks_status(None, path, as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert document.keys() == {"ok", "ready", "issuers"}, "nothing else was asked"
    (told,) = document["issuers"]
    assert (told["issuer"], told["key_ids"], told["state"]) == (ISSUER, ["good"], "fresh")
    assert told["skipped"] == {"symmetric": 1}
    missing = {**WITHOUT_KEYS, "issuer": "https://missing.example", "jwks_file": "missing.json"}
    path = settings_file(tmp_path, issuers=[OUR_ISSUER, missing])
    assert run_jwks_status(None, path, as_json=False) == 1
    out = capsys.readouterr().out
    assert "to do: put the path right; it starts at the settings file; its tokens get 503" in out


def test_the_table_has_a_line_for_every_issuer(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, GOOD, STALE, AWAY).splitlines()
    assert lines[0].split("  ")[0] == "ISSUER"
    assert [line.split() for line in lines if line.startswith("https://")] == [
        [GOOD.issuer, "fresh", "2", "12s", "2023-11-14", "22:13:20Z", "0", "3", "7"],
        [STALE.issuer, "stale", "2", "67m", "2023-11-14", "22:13:20Z", "5", "3", "7"],
        [AWAY.issuer, "none", "0", "-", "never", "2", "1", "0"],
    ]
    assert "      keys: kid-canary, (no kid)" in lines
    assert "      not used: 1 private, 2 unsupported" in lines
    assert "      last error: connection refused" in lines
    assert lines[-1] == (
        "opaque tokens of https://opaque.example: 9 asked about, 2 refused, 1 unanswered, "
        "4 held back; last error: timeout"
    )


def test_without_keys_there_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = shown(capsys).splitlines()
    assert first == "no issuer has keys: all tokens are opaque"
    assert second.startswith("opaque tokens of ")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0s"), (119, "119s"), (7000, "117m"), (90_000, "25h"), (1e6, "12d")]
)
def test_ages_are_short(capsys: pytest.CaptureFixture[str], seconds: float, text: str) -> None:
    assert f" {text} " in shown(capsys, replace(GOOD, age_seconds=seconds))


def test_sec_60_what_others_wrote_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2Jfine"
    out = shown(capsys, replace(STALE, issuer=evil, key_ids=(evil,), last_error=evil))
    assert "\x1b" not in out
    assert out.count("\\x1b[2Jfine") == 3


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (GOOD, []),
        (replace(GOOD, refused_refetches=99), []),
        (replace(GOOD, refused_refetches=100), ["100 tokens named keys"]),
        (replace(AWAY, last_error=NEVER_TRIED), ["wait a moment"]),
        (replace(AWAY, last_error=None), ["the issuer publishes no key"]),
        (AWAY, ["check the address"]),
        (replace(AWAY, last_error="refused by the proxy"), ["check proxy"]),
        (STALE, ["check the address", "tell whoever runs the issuer"]),
    ],
)
def test_what_to_do(status: IssuerStatus, advice: list[str]) -> None:
    told = list(to_do(status))
    assert [sentence[: len(start)] for sentence, start in zip(told, advice, strict=True)] == advice


def test_what_happens_until_somebody_does_it() -> None:
    assert next(to_do(AWAY)).endswith("its tokens get 503 until then")
    assert next(to_do(STALE)).endswith("the keys in hand serve, for max_stale at most")


@pytest.mark.parametrize(
    ("issuers", "store", "status"),
    [((GOOD,), True, 0), ((GOOD, STALE), True, 1), ((AWAY,), True, 1), ((GOOD,), False, 1)],
)
def test_the_exit_status_is_for_monitoring(
    capsys: pytest.CaptureFixture[str],
    issuers: tuple[IssuerStatus, ...],
    *,
    store: bool,
    status: int,
) -> None:
    for as_json in (True, False):
        assert report_on(health(*issuers, store=store), as_json=as_json) == status
    assert ("to do: the store does not answer" in capsys.readouterr().out) is not store


def test_a_service_and_settings_are_two_questions() -> None:
    result = CliRunner().invoke(app, ["jwks", "status", "http://127.0.0.1:1", "-c", "g.yaml"])
    assert result.exit_code == 2
    assert "not both" in result.output
