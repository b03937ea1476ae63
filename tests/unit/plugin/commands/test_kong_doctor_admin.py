"""`gatepass kong doctor` in front of an Admin API that answers badly, or of something else."""

import gzip
from collections.abc import Iterator

import pytest

from gatepass.jwks.errors import ConfigurationError
from gatepass.plugin.commands.gateway_api import Unanswered
from gatepass.plugin.commands.kong_doctor import run_kong_doctor
from gatepass.plugin.commands.kong_doctor_admin import MAX_PAGES, AdminApi
from support.admin_server import hello
from support.kong_admin import guarding, kong_admin, ours, route
from support.kong_doctor import Patient
from support.ports import free_port


@pytest.fixture
def patient(capsys: pytest.CaptureFixture[str]) -> Iterator[Patient]:
    with kong_admin() as admin:
        yield Patient(admin, capsys)


def test_lists_come_in_pages(patient: Patient) -> None:
    patient.admin.page_size = 2
    patient.admin.routes = [route(f"r{number}") for number in range(7)]
    patient.admin.plugins = [ours(service={"id": "other"}), guarding()]
    (wrong,) = [found for subject, found in patient.wrong() if subject == "guard"]
    assert wrong.endswith("on r0, r1, r2, r3, r4 and 2 more")


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (hello(b"{}", 401), "answered 401"),
        (hello(b"{}", 403), "answered 403"),
        (hello(b"<html>", 404), "answered 404"),
        (hello(b"", 302, location="http://127.0.0.1:1/"), "answered 302"),
        (hello(b"<html>welcome</html>"), "the answer is not what Kong's Admin API says"),
        (hello(b"[]"), "the answer is not what Kong's Admin API says"),
        (hello(b'{"version": 3}'), "the answer is not what Kong's Admin API says"),
        (hello(b"[" * 1_000_000), "the answer is not what Kong's Admin API says"),
        (
            hello(gzip.compress(b"{}"), content_encoding="gzip"),
            "an encoding that was not asked for",
        ),
        (hello(b" " * (17 * 1024 * 1024)), "longer than 16 MiB"),
        (b"220 smtp ready\r\n", "no answer in HTTP"),
        (b"", "no answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{", "no answer in HTTP"),
    ],
)
def test_what_is_no_admin_api(patient: Patient, answer: bytes, found: str) -> None:
    patient.admin.answers["/"] = answer
    (finding,) = patient.findings()
    assert (finding["subject"], finding["ok"]) == ("Admin API", False)
    assert finding["found"] == f"GET /: {found}"
    assert {path for _, path in patient.admin.asked} == {"/"}, "nobody follows a redirect"


def test_nobody_there(patient: Patient) -> None:
    (finding,) = patient.findings(f"http://127.0.0.1:{free_port()}")
    assert finding["found"] == "GET /: connection refused"
    (finding,) = patient.findings(patient.admin.url.replace("http:", "https:"))
    assert finding["found"] == "GET /: TLS handshake failed"
    (finding,) = patient.findings("http://kong.invalid:8001")
    assert finding["found"] == "GET /: no connection"


@pytest.mark.parametrize(
    "answer",
    [
        hello(b"{}", 500),
        hello(b"{}"),
        hello(b'{"data": {}}'),
        hello(b'{"data": [{"id": 1}]}'),
        hello(b'{"data": [], "offset": 7}'),
    ],
)
def test_a_list_that_is_none_is_said_and_nothing_concluded(patient: Patient, answer: bytes) -> None:
    for path in ("/plugins", "/routes", "/services"):
        patient.admin.answers = {path: answer}
        (wrong,) = patient.wrong()
        assert wrong[0] == "Admin API"
        assert wrong[1].startswith(f"GET {path}: ")


def test_without_the_list_of_routes_nobody_is_said_to_be_open(patient: Patient) -> None:
    patient.admin.plugins = [ours(route={"id": "id-v1"}), guarding(route={"id": "id-v1"})]
    assert not patient.wrong()
    patient.admin.answers = {"/routes": hello(b"{}", 500)}
    assert patient.wrong() == [("Admin API", "GET /routes: answered 500")]


def test_a_list_without_an_end_is_given_up(patient: Patient) -> None:
    patient.admin.answers["/routes"] = hello(b'{"data": [], "offset": "again"}')
    assert patient.wrong() == [("Admin API", f"GET /routes: more than {MAX_PAGES} pages")]


async def test_a_hang_ends(patient: Patient) -> None:
    patient.admin.answers["/"] = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"
    async with AdminApi(f"{patient.admin.url}/", answer_seconds=1e-6) as admin:
        with pytest.raises(Unanswered, match="no whole answer within"):
            await admin.get("/", dict)


def test_a_credential_is_sent_and_not_printed(
    patient: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    patient.findings(headers=("Kong-Admin-Token: s3cret", "X-Two:a b"))
    assert all(headers["kong-admin-token"] == "s3cret" for headers in patient.admin.headers)
    patient.admin.answers["/"] = hello(b'{"message": "s3cret"}', 401)
    run_kong_doctor(patient.admin.url, as_json=False, headers=["Kong-Admin-Token: s3cret"])
    printed = capsys.readouterr()
    assert "s3cret" not in printed.out + printed.err
    assert "--header" in printed.out


@pytest.mark.parametrize(
    "url",
    [
        *("", "127.0.0.1:8001", "ftp://a", "http://", "http://u:p@a", "http://a/?x", "http://a#x"),
        *("http://a b", "http://a\n", "http://a:b", "file:///etc/passwd", "http://a//b"),
        *("http://a:99999", "http://a:0", "http://[1::2::3]", "http://256.0.0.1:8001"),
    ],
)
def test_an_address_that_cannot_be_asked(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ADMIN_URL"):
        run_kong_doctor(url, as_json=False)


@pytest.mark.parametrize("header", ["", "x", "a b: c", "x:", "x: \u00e9", "x: a\r\ny: b", ": x"])
def test_a_header_that_cannot_be_sent(header: str) -> None:
    with pytest.raises(ConfigurationError, match="--header"):
        run_kong_doctor("http://127.0.0.1:8001", as_json=False, headers=[header])
