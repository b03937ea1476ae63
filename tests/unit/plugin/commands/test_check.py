"""`gatepass check`: every problem in one go, what to do about it, and nothing written."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict, cast

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gatepass.plugin.commands.check import run_check
from support.directories import open_directory
from support.gates import OUR_ISSUER, WITHOUT_KEYS, settings_file
from support.tokens import ISSUER, SigningKey, signing_key


class Finding(TypedDict):
    subject: str
    ok: bool
    found: str
    advice: str


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
        assert finding["ok"] or finding["advice"]
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
        ("gatepass.db", None, "the store is not available"),
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
    elif found == "the store is not available":
        (tmp_path / database).mkdir()
    path = settings_file(tmp_path, stores={"database": f"sqlite:///{database}"})
    store = check(path, capsys)[-1]
    assert not store["ok"]
    assert found is None or store["found"] == found
    assert "stores.database" in store["advice"]


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
                jwks_uri="http://127.0.0.1:1/keys",
                allow_http_loopback=True,
            ),
            issuer(issuer="https://missing.example", jwks_file="missing.json"),
            issuer(issuer="https://broken.example", jwks_file="broken.json"),
            issuer(issuer="https://empty.example", jwks_file="unusable.json"),
        ],
    )
    findings = check(path, capsys)
    assert [finding["ok"] for finding in findings[1:-1]] == [True, False, False, False, False]
    assert all("keys not loaded: " in finding["found"] for finding in findings[2:5])
    assert findings[5]["found"].startswith("keys: none; not used: 1 ")
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
