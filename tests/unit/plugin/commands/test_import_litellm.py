"""`gatepass import litellm`: files in, a file and verdicts out, and the exit status."""

import json
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin import load_settings
from gatepass.plugin.commands.import_litellm import run_import_litellm
from support.litellm import ENVIRON, config

ROLES = ("org_admin", "team", "internal_user", "internal_user_viewer")
JWT: dict[str, object] = {"user_id_jwt_field": "sub", "enforce_rbac": True}
INFERENCE: dict[str, object] = {
    "role_permissions": [{"role": role, "routes": ["openai_routes"]} for role in ROLES]
}
ENV_LINES = "# names\n\nexport JWT_ISSUER=\"{JWT_ISSUER}\"\nJWT_AUDIENCE='{JWT_AUDIENCE}'\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(config(JWT, INFERENCE))
    (tmp_path / ".env").write_text(
        ENV_LINES.format(**ENVIRON) + f"JWT_PUBLIC_KEY_URL = {ENVIRON['JWT_PUBLIC_KEY_URL']}\nx\n"
    )
    return tmp_path


def run(folder: Path, *, out: str | None = None, as_json: bool = False) -> int:
    path = None if out is None else folder / out
    return run_import_litellm(folder / "config.yaml", path, folder / ".env", as_json=as_json)


def test_what_is_written_loads(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, out="gatepass.yaml") == 0
    settings = load_settings(folder / "gatepass.yaml")
    assert [issuer.issuer for issuer in settings.issuers] == [ENVIRON["JWT_ISSUER"]]
    told = capsys.readouterr().out
    key = "general_settings.litellm_jwtauth.user_id_jwt_field"
    assert f"exact    {key} -> issuers[].claims.user\n" in told
    assert f"written: {folder}/gatepass.yaml" in told


def test_without_a_file_the_settings_go_to_stdout_and_the_rest_to_stderr(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder) == 0
    told = capsys.readouterr()
    (folder / "gatepass.yaml").write_text(told.out)
    assert load_settings(folder / "gatepass.yaml").profiles
    assert "0 refused" in told.err


def test_the_environment_of_the_process_counts_without_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    assert run_import_litellm(folder / "config.yaml", None, None, as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["status"] == 0
    assert document["out"] is None
    assert document["settings"].startswith("# Imported")
    assert document["keys"][0].keys() == {"key", "verdict", "sentence", "setting"}


def test_what_is_refused_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "config.yaml").write_text(config({"user_id_jwt_feld": "sub"}))
    assert run(folder, out="gatepass.yaml") == 2
    assert not (folder / "gatepass.yaml").exists()
    told = capsys.readouterr().out
    assert "refused  general_settings.litellm_jwtauth.user_id_jwt_feld: unknown key" in told
    assert "nothing was written" in told
    assert run(folder, out="gatepass.yaml", as_json=True) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["settings"] is None
    assert document["out"] is None
    assert run(folder) == 2
    assert not capsys.readouterr().out


def test_what_needs_a_person_is_said_by_the_exit_status(folder: Path) -> None:
    (folder / "config.yaml").write_text(config(general={"allowed_ips": ["10.0.0.1"]}))
    assert run(folder, out="gatepass.yaml") == 1


def test_a_file_that_is_there_is_not_written_over(folder: Path) -> None:
    (folder / "gatepass.yaml").write_text("mine")
    with pytest.raises(ConfigurationError, match="is there already"):
        run(folder, out="gatepass.yaml")
    assert (folder / "gatepass.yaml").read_text() == "mine"
    with pytest.raises(ConfigurationError, match="cannot be written"):
        run(folder, out="no/such/folder.yaml")


def test_a_file_that_cannot_be_read_is_a_sentence(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="none"):
        run_import_litellm(folder / "none.yaml", None, folder / ".env", as_json=False)
