"""`gatepass check` about bound tokens where no door could know what they are bound to."""

from pathlib import Path

import pytest

from gatepass.plugin.commands.check import run_check
from gatepass.plugin.commands.check_certificates import certificate_findings
from gatepass.plugin.commands.finding import Finding
from gatepass.plugin.settings import compile_settings
from support.gates import OUR_ISSUER, settings_file
from support.settings import ISSUER, settings_with

HEADER = "doors.http.client_certificate_header"


def findings(mtls: str, **doors: object) -> list[Finding]:
    bound = {**ISSUER, "sender_constrained": {"mtls": mtls}}
    unbound = {**ISSUER, "issuer": "https://b.example"}
    return certificate_findings(
        compile_settings(settings_with(issuers=[bound, unbound], doors=doors))
    )


def test_bound_tokens_that_nobody_could_judge_are_noted() -> None:
    (noted,) = findings("optional")
    assert (noted.subject, noted.ok, noted.note) == (HEADER, True, True)
    assert "tokens of https://idp.example that are bound" in noted.found


def test_an_issuer_whose_every_token_would_be_refused_is_wrong() -> None:
    (wrong,) = findings("required")
    assert (wrong.subject, wrong.ok, wrong.note) == (HEADER, False, False)
    assert "every token of https://idp.example is refused" in wrong.found
    assert wrong.advice


@pytest.mark.parametrize(
    "doors",
    [
        {"http": {"client_certificate_header": "x-client-cert"}},
        {"kong": {"socket": "/run/k.sock"}},
        {"apisix": {}},
    ],
)
def test_a_door_that_knows_certificates_needs_no_word(doors: dict[str, object]) -> None:
    assert findings("required", **doors) == []


def test_where_nothing_is_bound_nothing_is_said() -> None:
    assert findings("off") == []


def test_the_report_holds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bound = {**OUR_ISSUER, "sender_constrained": {"mtls": "required"}}
    assert run_check(settings_file(tmp_path, issuers=[bound]), as_json=False) == 1
    assert f"WRONG {HEADER}: " in capsys.readouterr().out
