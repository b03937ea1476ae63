from pathlib import Path

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.settings import compile_settings, make_settings
from support.settings import settings_with

SECRET = "canary-7f3a"
NONE = {"engine": "none"}


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://gate:secret@db.example.com/gatepass",
        "postgresql://gate@db.example.com:5433/gatepass?sslmode=verify-ca&sslrootcert=/ca.pem",
        "postgresql://gate:p%40ss@[::1]/gatepass",
        "postgresql:///gatepass?host=/run/postgresql",
    ],
)
def test_a_server_is_named_as_it_stands(url: str) -> None:
    settings = settings_with(stores={"database": url}, budgets=NONE)
    assert compile_settings(settings).database == url


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (f"postgresql://gate:{SECRET}@db.example.com", "must be postgresql://"),
        (f"postgresql://gate:{SECRET}@/gatepass", "must be postgresql://"),
        (f"postgresql://gate:{SECRET}@h:port/gatepass", "must be postgresql://"),
        (f"postgresql://gate:{SECRET}@h/gatepass?host=/run", "must be postgresql://"),
        (f"postgresql://gate:{SECRET}@/gatepass?host=run", "must be postgresql://"),
        (f"postgresql://gate:{SECRET}@h/gatepass?sslmod=disable", "must be postgresql://"),
        (
            f"postgresql://gate:{SECRET}@h/g?sslmode=disable&sslmode=require",
            "must be postgresql://",
        ),
        (f"postgresql://gate:{SECRET}@h/gatepass?sslmode=prefer", "sslmode is one of"),
        (f"postgresql://gate:{SECRET}@h/gatepass?sslmode=allow", "sslmode is one of"),
    ],
)
def test_sec_60_a_server_that_cannot_be_is_refused_without_its_password(
    url: str, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"stores\.database: {sentence}") as caught:
        settings_with(stores={"database": url}, budgets=NONE)
    assert SECRET not in str(caught.value)


def test_a_server_is_for_many_processes_and_budgets_in_process_for_one(tmp_path: Path) -> None:
    document = {
        "issuers": [{"issuer": "https://idp.example", "audience": "x"}],
        "profiles": {"default": {}},
        "stores": {"database": "postgresql://gate@db.example.com/gatepass"},
    }
    with pytest.raises(ConfigurationError, match=r"stores\.database: .* budgets\.engine: none"):
        make_settings(document, tmp_path)
    make_settings(document | {"budgets": NONE}, tmp_path)
