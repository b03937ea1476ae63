"""`gatepass check` about the folder of the last good keys."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gatepass.plugin.commands.check import run_check
from gatepass.plugin.commands.check_kept_keys import kept_keys_findings
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.settings import compile_settings
from support.gates import settings_file
from support.settings import settings_with


def finding(folder: Path) -> Finding:
    stores = {"keys_cache": str(folder)}
    (found,) = kept_keys_findings(compile_settings(settings_with(stores=stores)))
    assert found.subject == "stores.keys_cache"
    assert found.ok or found.advice
    return found


def test_where_no_keys_are_kept_nothing_is_said() -> None:
    assert kept_keys_findings(compile_settings(settings_with())) == []


def test_a_folder_that_can_be_used_or_made(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    assert (finding(tmp_path).ok, finding(tmp_path).found) == (True, f"{tmp_path} can be used")
    later = tmp_path / "a" / "b"
    assert (finding(later).ok, finding(later).found) == (
        True,
        f"{later} is made with the first keys",
    )
    assert not list(tmp_path.iterdir())


def test_what_the_service_would_not_believe_is_wrong(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    wrong = finding(tmp_path)
    assert not wrong.ok
    assert wrong.found == f"keys are not kept in {tmp_path}: others may write there"
    (tmp_path / "file").touch()
    assert finding(tmp_path / "file").found.endswith(": not a folder")


def _found_by_nobody(folder: Path) -> str:
    """Look as an account that owns nothing here; the superuser may write everything."""
    program = """
import os, sys
from gatepass.plugin.commands.check_kept_keys import kept_keys_findings
from gatepass.plugin.settings import compile_settings, make_settings
issuer = {"issuer": "https://idp.example", "audience": "a"}
stores = {"keys_cache": sys.argv[1]}
compiled = compile_settings(
    make_settings({"issuers": [issuer], "profiles": {"default": {}}, "stores": stores})
)
os.geteuid() or os.setuid(65534)
print(kept_keys_findings(compiled)[0].found)
"""
    command = [sys.executable, "-c", program, str(folder)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def test_a_place_that_the_account_may_not_write_is_wrong() -> None:
    with TemporaryDirectory() as name:  # pytest's own folders are closed to other accounts
        folder = Path(name)
        folder.chmod(0o555)
        found = _found_by_nobody(folder / "keys")
        assert found == f"{folder} is not writable for this account"
        if os.geteuid() == 0:
            assert _found_by_nobody(folder).endswith(": others may write there")
        folder.chmod(0o700)


def test_the_report_holds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    kept.chmod(0o770)
    path = settings_file(tmp_path, stores={"keys_cache": "kept"})
    assert run_check(path, as_json=False) == 1
    out = capsys.readouterr().out
    assert f"WRONG stores.keys_cache: keys are not kept in {kept}: others may write there" in out
