"""`gatepass apisix doctor`: usage that nobody tells, or that nobody would hear."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.apisix_admin import ApisixAdmin, apisix_admin
from support.apisix_doctor import Patient, noted, subjects

MARK, USAGE, LOGGER = "serverless-pre-function", "serverless-post-function", "http-logger"
VARIABLE = "GATEPASS_USAGE_AUTHORIZATION"


@pytest.fixture(params=["control", "admin"])
def patient(
    request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Patient]:
    with apisix_admin() as admin:
        admin.control = request.param == "control"
        yield Patient(admin, capsys, tmp_path)


@pytest.fixture
def admin(patient: Patient) -> ApisixAdmin:
    return patient.admin


@pytest.mark.parametrize(
    ("plugin", "members"),
    [
        (MARK, {"phase": "access"}),
        (MARK, {"functions": ["return function() end"]}),
        (USAGE, {"phase": "log"}),
        (USAGE, {"functions": "x"}),
        (USAGE, {"_meta": {"disable": True}}),
        (LOGGER, {"uri": "http://elsewhere/log"}),
    ],
)
def test_usage_that_nobody_tells(patient: Patient, plugin: str, members: dict[str, object]) -> None:
    patient.admin.plugins[plugin] |= members
    assert not patient.wrong()
    assert ("usage", "calls are charged by their estimate, on llm") in noted(patient)


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"concat_method": "new_line"}, "concat_method is not json"),
        ({"batch_max_size": 1001}, "batches are too long"),
        *(
            ({"auth_header": value}, "no bearer token is sent")
            for value in (None, "", "Bearer", "Bearer ", "Basic YTpi", "s3cret", "${{A}} b")
        ),
    ],
)
def test_reports_that_would_be_refused(
    patient: Patient, members: dict[str, object], found: str
) -> None:
    patient.admin.plugins[LOGGER] |= members
    assert patient.wrong() == [(LOGGER, f"{found}: every report is refused, on llm")]


@pytest.mark.parametrize("value", ["Bearer s3cret", f"${{{{{VARIABLE}}}}}", "$secret://vault/a/b"])
def test_reports_with_a_token_or_a_reference_to_one(patient: Patient, value: str) -> None:
    patient.admin.plugins[LOGGER]["auth_header"] = value
    assert not patient.wrong()


def test_a_reference_that_nobody_looks_up(patient: Patient, admin: ApisixAdmin) -> None:
    admin.plugins[LOGGER]["auth_header"] = "$ENV://GATEPASS_USAGE_AUTHORIZATION"
    assert not patient.wrong()
    admin.version = "3.16.0"
    assert subjects(patient.wrong()) == [LOGGER]


def test_reports_that_get_lost_or_say_too_much(patient: Patient, admin: ApisixAdmin) -> None:
    admin.plugins[LOGGER] |= {
        "max_retry_count": 0,
        "include_resp_body": True,
        "batch_max_size": "x",
    }
    assert not patient.wrong()
    assert subjects(noted(patient)) == [LOGGER, LOGGER]


def test_sec_59_reports_of_what_nobody_judged(patient: Patient, admin: ApisixAdmin) -> None:
    logger = admin.plugins[LOGGER]
    admin.routes.append({"id": "open", "plugins": {LOGGER: logger}})
    ((subject, found),) = patient.wrong()
    assert subject == "usage"
    assert "a client names any call as its own and settles it, on open" in found
