"""`gatepass kong doctor` about Kong's other plugins, where they meet ours."""

from collections.abc import Iterator

import pytest

from support.kong_admin import instance, kong_admin, ours, route
from support.kong_doctor import Patient


@pytest.fixture
def patient(capsys: pytest.CaptureFixture[str]) -> Iterator[Patient]:
    with kong_admin() as admin:
        yield Patient(admin, capsys)


def test_who_runs_before_and_after_us(patient: Patient) -> None:
    patient.admin.priorities["our-own"] = 5000
    names = ("pre-function", "cors", "correlation-id", "our-own", "request-transformer", "acl")
    patient.admin.plugins += [instance(name) for name in (*names, "rate-limiting")]
    patient.admin.plugins.append(instance("jwt", enabled=False))
    assert not patient.wrong()
    assert [subject for subject, _ in patient.notes()] == [
        *("order: cors", "order: our-own", "order: pre-function", "order: request-transformer"),
        "acl",
    ]
    patient.admin.plugins[-3]["config"] = {"always_use_authenticated_groups": True}
    assert "acl" not in [subject for subject, _ in patient.notes()]


def test_sec_41_what_answers_before_the_guard_does(patient: Patient) -> None:
    called = "calls an upstream itself and answers with what it says, before the guard is asked"
    cached = "answers out of its cache, before the guard is asked"
    patient.admin.plugins += [
        *(instance(name) for name in ("aws-lambda", "ai-response-transformer", "proxy-cache")),
        instance("azure-functions", enabled=False),
    ]
    subjects = ["order: ai-response-transformer", "order: aws-lambda", "order: proxy-cache"]
    off = "where Gatepass is switched off it does so for everybody"
    assert not patient.wrong()
    assert patient.notes() == [
        (subject, f"{found}: {off}")
        for subject, found in zip(subjects, (called, called, cached), strict=True)
    ]
    away = "while the plugin server is away it does so for everybody"
    expected = [
        (subject, f"{found}: {away}")
        for subject, found in zip(subjects, (called, called, cached), strict=True)
    ]
    (server,) = patient.admin.configuration["pluginservers"]
    server["protocol"] = "MsgPack:1"
    assert patient.wrong()[1:] == expected
    server["protocol"] = "ProtoBuf:1"
    patient.admin.version = "3.7.1"
    assert patient.wrong()[1:] == expected


def test_an_order_that_was_changed(patient: Patient) -> None:
    patient.admin.priorities["gatepass"] = 900
    assert patient.wrong() == [("order", "gatepass has priority 900, not 1005")]
    patient.admin.plugins[0]["ordering"] = {"before": {"access": ["acl"]}}
    assert patient.notes() == [("order", "an instance is moved by `ordering`")]


def test_sec_48_an_anonymous_consumer_where_we_do_not_judge(patient: Patient) -> None:
    lenient = instance("key-auth", config={"anonymous": "guest"})
    patient.admin.plugins.append(lenient)
    assert not patient.wrong()
    subject, found = "anonymous: key-auth", "a failed login passes as a consumer"
    assert (subject, f"{found}; Gatepass still asks for a token") in patient.notes()
    patient.admin.plugins = [ours(route={"id": "id-v1"}), lenient]
    patient.admin.routes.append(route("open"))
    assert patient.wrong() == [(subject, f"{found}, and Gatepass does not judge open")]
    patient.admin.plugins.append(instance("key-auth", "second", route={"id": "id-open"}))
    assert not patient.wrong()
