"""How a server is spoken to, as far as its URL says."""

import ssl
import sys
from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.postgresql import _encryption, read_url, server_name


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gate@localhost/g",
        "postgresql://gate@127.0.0.1/g",
        "postgresql://gate@[::1]/g",
        "postgresql:///g?host=/run/postgresql",
        "postgresql://gate@db.example.com/g?sslmode=disable",
    ],
)
def test_only_what_is_local_or_said_to_be_is_spoken_to_in_the_clear(url: str) -> None:
    assert _encryption(read_url(url)) is False


@pytest.mark.parametrize(
    ("url", "verifies", "checks_name"),
    [
        ("postgresql://gate@db.example.com/g", ssl.CERT_REQUIRED, True),
        ("postgresql://gate@localhost.example.com/g", ssl.CERT_REQUIRED, True),
        ("postgresql://gate@127.0.0.2/g", ssl.CERT_REQUIRED, True),
        ("postgresql://gate@localhost/g?sslmode=verify-full", ssl.CERT_REQUIRED, True),
        ("postgresql://gate@db.example.com/g?sslmode=verify-ca", ssl.CERT_REQUIRED, False),
        ("postgresql://gate@db.example.com/g?sslmode=require", ssl.CERT_NONE, False),
    ],
)
def test_a_server_elsewhere_shows_a_certificate_for_its_name(
    url: str, verifies: ssl.VerifyMode, *, checks_name: bool
) -> None:
    context = _encryption(read_url(url))
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (verifies, checks_name)


def test_authorities_that_cannot_be_read_are_no_reason_to_trust_others(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="sslrootcert cannot be read"):
        Database(f"postgresql://gate@db.example.com/g?sslrootcert={tmp_path}/missing.pem")


def test_sec_60_a_server_has_a_name_without_account_and_password() -> None:
    assert server_name("postgresql://gate:secret@db.example.com/g") == "db.example.com/g"
    assert server_name("postgresql:///g?host=/run/postgresql") == "/run/postgresql/g"
    assert Database("postgresql://gate:secret@[::1]:1/g").name == "::1/g"


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ConfigurationError, match=r"install gatepass\[postgres\]"):
        Database("postgresql://gate@localhost/g")
