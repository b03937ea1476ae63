"""`gatepass check`: every problem in one go, what to do about it, and nothing written."""

import asyncio
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.source import UrlKeys
from gatepass.plugin.commands.check import run_check
from gatepass.plugin.commands.check_keys import _advice
from support.certificates import self_signed
from support.directories import open_directory
from support.gates import OUR_ISSUER, WITHOUT_KEYS, settings_file
from support.static_keys import served
from support.tokens import ISSUER, SigningKey, key_set, signing_key


class Finding(TypedDict):
    subject: str
    ok: bool
    found: str
    advice: str
    note: bool


def check(path: Path, capsys: pytest.CaptureFixture[str]) -> list[Finding]:
    """Check both ways, see that they agree, and return the findings."""
    status = run_check(path, as_json=False)
    text = capsys.readouterr().out
    assert run_check(path, as_json=True) == status
    told = json.loads(capsys.readouterr().out)
    findings = cast("list[Finding]", told["findings"])
    assert told["ok"] is (status == 0) is all(finding["ok"] for finding in findings)
    for finding in findings:
        assert finding["found"] in text
        assert finding["advice"] in text
        assert finding["advice"] or (finding["ok"] and not finding["note"])
    return findings


def issuer(**changes: object) -> Mapping[str, object]:
    return WITHOUT_KEYS | changes


def test_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = settings_file(tmp_path)
    settings, keys, store = check(path, capsys)
    assert settings["found"] == f"{path} is valid; profiles: default"
    assert (keys["subject"], keys["found"]) == (f"issuer {ISSUER}", "keys: key-EdDSA")
    assert store["found"] == "not there yet; it is made at the first start"
    assert [entry.name for entry in tmp_path.iterdir()] == ["gatepass.yaml"]


async def _make_database(folder: Path) -> None:
    async with open_directory(folder / "gatepass.db"):
        pass


def test_a_store_is_read_and_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(_make_database(tmp_path))
    before = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()}
    store = check(settings_file(tmp_path), capsys)[-1]
    assert store["found"] == "readable, schema known"
    (tmp_path / "gatepass.yaml").unlink()
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("database", "content", "found"),
    [
        ("gatepass.db", b"this is no database" * 100, None),
        ("folder", None, "cannot be written"),
        ("missing/gatepass.db", None, "its folder does not exist"),
        ("x" * 300, None, "the path cannot be used"),
    ],
)
def test_a_store_that_cannot_be_used(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    database: str,
    content: bytes | None,
    found: str | None,
) -> None:
    if content is not None:
        (tmp_path / database).write_bytes(content)
    (tmp_path / "folder").mkdir()
    path = settings_file(tmp_path, stores={"database": f"sqlite:///{database}"})
    store = check(path, capsys)[-1]
    assert not store["ok"]
    assert (found or "is not a database") in store["found"]
    assert "stores.database" in store["advice"]


def test_the_keys_that_the_service_keeps_are_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(key_set(signing_key("EdDSA"))) as url:
        ours = issuer(jwks_uri=url, allow_http_loopback=True)
        path = settings_file(tmp_path, stores={"keys_cache": "kept"}, issuers=[ours])
        assert check(path, capsys)[1]["ok"]
    assert not (tmp_path / "kept").exists()


def test_issuers_that_are_away_wrong_or_without_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.json").write_text("<html>")
    weak = signing_key("EdDSA", "weak").jwk(use="enc")
    (tmp_path / "unusable.json").write_text(json.dumps({"keys": [weak]}))
    path = settings_file(
        tmp_path,
        issuers=[
            OUR_ISSUER,
            issuer(
                issuer="https://away.example",
                jwks_uri="http://127.0.0.1:1/keys?key=secret",
                allow_http_loopback=True,
            ),
            issuer(issuer="https://missing.example", jwks_file="missing.json"),
            issuer(issuer="https://discovery.invalid"),
            issuer(issuer="https://broken.example", jwks_file="broken.json"),
            issuer(issuer="https://empty.example", jwks_file="unusable.json"),
        ],
    )
    findings = check(path, capsys)
    assert [finding["ok"] for finding in findings[1:-1]] == [True] + [False] * 5
    away, missing, discovery, broken, empty = findings[2:-1]
    asked = "http://127.0.0.1:1/keys"
    assert away["found"] == f"keys not loaded from {asked}: connection refused"
    assert "this host reaches it" in away["advice"]
    assert missing["found"] == f"keys not loaded from {tmp_path}/missing.json: file: not there"
    assert "it starts at the settings file" in missing["advice"]
    asked = "https://discovery.invalid/.well-known/openid-configuration"
    assert discovery["found"].startswith(f"keys not loaded by way of {asked}: ")
    assert broken["advice"].startswith("put a JWK Set into the file")
    assert empty["found"].startswith("keys: none; not used: 1 ")
    assert findings[-1]["ok"]


def test_sec_17_unsafe_members_of_a_set_that_works_are_pointed_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = signing_key("EdDSA", "good").jwk()
    symmetric = {"kty": "oct", "kid": "shared", "k": "c2VjcmV0"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [good, symmetric]}))
    path = settings_file(tmp_path, issuers=[issuer(jwks_file="keys.json")])
    keys = check(path, capsys)[1]
    assert keys["ok"]
    assert keys["found"] == "keys: good; not used: 1 symmetric"
    assert "tell whoever runs the issuer" in keys["advice"]


def test_what_is_odd_about_a_key_in_use_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private = rsa.generate_private_key(public_exponent=3, key_size=2048)
    odd = SigningKey("odd", "RS256", private).jwk()
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [odd]}))
    path = settings_file(tmp_path, issuers=[issuer(jwks_file="keys.json")])
    keys = check(path, capsys)[1]
    assert (keys["ok"], keys["advice"]) == (True, "")
    assert keys["found"] == "keys: odd; remarks: 1 unusual_exponent"


def test_an_issuer_that_is_away_is_told_once(tmp_path: Path) -> None:
    away = issuer(jwks_uri="http://127.0.0.1:1/keys", allow_http_loopback=True)
    command = [sys.executable, "-m", "gatepass.plugin", "check", "-c"]
    told = subprocess.run(
        [*command, settings_file(tmp_path, issuers=[away])], capture_output=True, check=False
    )
    assert told.returncode == 1
    assert told.stdout.count(b"keys not loaded") == 1
    assert told.stderr == b""


def test_a_company_s_own_ca_is_thought_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        port = listener.getsockname()[1]
        for _ in range(2):  # the report is asked for twice
            pool.submit(_shake_hands, listener, context)
        away = issuer(jwks_uri=f"https://127.0.0.1:{port}/keys")
        keys = check(settings_file(tmp_path, issuers=[away]), capsys)[1]
    assert keys["found"].endswith("TLS handshake failed")
    assert "ca_file or SSL_CERT_FILE" in keys["advice"]


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ("address: private network", "name the issuer's network in allow_networks"),
        ("CA file: not readable", "put ca_file right"),
        ("refused by the proxy", "check proxy"),
        ("timeout", "check the address"),
    ],
)
def test_what_keeps_keys_away_has_its_setting_named(detail: str, words: str) -> None:
    assert _advice(UrlKeys("https://idp.example/keys", HttpFetcher()), detail).startswith(words)


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection, suppress(OSError):
        context.wrap_socket(connection, server_side=True).close()


def test_a_file_that_is_not_there_is_to_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path, tmp_path / "nope.yaml", tmp_path / ("n" * 300)):
        (settings,) = check(path, capsys)
        assert not settings["ok"]
        assert settings["advice"] == "name the file with -c"


def _report_of_nobody(path: Path) -> list[Finding]:
    """Check as an account that owns nothing; the superuser may write everything."""
    program = """
import contextlib, io, os, sys
from pathlib import Path
from gatepass.jwks.fetch import HttpFetcher
from gatepass.jwks.source import UrlKeys
from gatepass.plugin.commands.check import run_check
from gatepass.plugin.commands.check_keys import _advice
path = Path(sys.argv[1])
with contextlib.redirect_stdout(io.StringIO()):
    run_check(path, as_json=True)  # loads what the other account may not be allowed to read
os.geteuid() or os.setuid(65534)
sys.exit(run_check(path, as_json=True))
"""
    command = [sys.executable, "-c", program, str(path)]
    told = subprocess.run(command, capture_output=True, check=False)
    assert told.returncode in {0, 1}, told.stderr
    return cast("list[Finding]", json.loads(told.stdout)["findings"])


@pytest.mark.parametrize(
    ("locked", "found"),
    [
        (".", "its folder is not writable for this account"),
        ("gatepass.db", "it is not writable for this account"),
        ("gatepass.db.lock", "its lock file is not writable for this account"),
    ],
)
def test_what_the_service_could_not_write_is_wrong(locked: str, found: str) -> None:
    with TemporaryDirectory() as name:  # pytest's own folders are closed to other accounts
        folder = Path(name)
        path = settings_file(folder)
        asyncio.run(_make_database(folder))
        (folder / "gatepass.db.lock").touch()
        for entry in (folder, *folder.iterdir()):
            entry.chmod(0o777)
        assert _report_of_nobody(path)[-1]["found"] == "readable, schema known"
        (folder / locked).chmod(0o555)
        store = _report_of_nobody(path)[-1]
        assert (store["ok"], store["found"]) == (False, found)
        folder.chmod(0o777)


def test_a_note_changes_nothing_about_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, note, *_ = check(settings_file(tmp_path, users={}), capsys)
    assert (settings["note"], note["note"], note["ok"]) == (False, True, True)
    assert run_check(tmp_path / "gatepass.yaml", as_json=False) == 0
    assert "note  users.upsert: is off" in capsys.readouterr().out


def test_every_problem_of_the_file_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = settings_file(
        tmp_path,
        issuers=[issuer(audiance="x", algorithms=["HS256"])],
        profiles={"default": {"permissions": {"admin": {}}}},
        users={"defaults": {"budget": "ten dollars"}},
    )
    findings = check(path, capsys)
    assert len(findings) >= 4
    assert all(finding["subject"] == "settings" for finding in findings)
    assert any("did you mean" in finding["found"] for finding in findings)
