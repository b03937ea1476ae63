"""Bodies, bytes, paths and header lists of every kind, from a played APISIX to the decision."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.apisix.bounds import ApisixDoor
from gatepass.plugin.headers import fold_name
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.apisix.path_table import PATH_TABLE, Row
from support.apisix.request import ApisixSettings, ClientRequest
from support.apisix.results import Exchange, Proxied
from support.apisix.worker import ApisixWorker
from support.apisix_door import ApisixService, running_apisix_service
from support.apisix_requests import (
    chat_request,
    check_decided,
    code_of,
    request,
    scripted_apisix,
    two_profiles,
)
from support.gatepass_service import bearer
from support.gateway_table import CHAT, chat
from support.kong_door import ScriptedGate
from support.kong_requests import HOST

LIMIT = ApisixDoor().max_body_bytes
TOKEN = ("Authorization", bearer())
OLD, NEW = ApisixSettings((3, 16)), ApisixSettings((3, 17))
SHOWS_ALL = ApisixSettings((3, 9))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApisixService]:
    users = {"upsert": True, "defaults": {"budget": "$1000 per 30d"}}
    with two_profiles(tmp_path_factory.mktemp("apisix"), users=users) as running:
        yield running


@pytest.fixture
def gate() -> ScriptedGate:
    return ScriptedGate()


@pytest.fixture
def scripted(tmp_path: Path, gate: ScriptedGate) -> Iterator[ApisixWorker]:
    with scripted_apisix(tmp_path, gate) as worker:
        yield worker


def outcome(exchange: Exchange) -> tuple[int, str]:
    """Return status and code of a refusal, (200, "") for what was let through by somebody."""
    if isinstance(exchange.result, Proxied):
        assert check_decided(exchange)
        return 200, ""
    assert exchange.upstream_requests == []
    return exchange.answered.status, code_of(exchange)


# -- bodies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1024, 100 * 1024, LIMIT])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_any_size_is_judged_whole(
    scripted: ApisixWorker, gate: ScriptedGate, size: int, *, chunked: bool
) -> None:
    gate.answer = refuse_for(Reason.BODY_NOT_SHOWN)
    body = os.urandom(size)
    scripted.handle(chat_request(body, chunked=chunked))
    assert gate.requests[-1].body == body


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, (400, "body_not_shown")),
        (100, (200, "")),
        (1024, (200, "")),
        (100 * 1024, (200, "")),
        (LIMIT, (200, "")),
        (LIMIT + 1, (413, "body_too_large")),
        (2 * LIMIT, (413, "body_too_large")),
    ],
)
def test_sec_58_a_body_of_any_size_is_judged_or_refused(
    service: ApisixService, size: int, expected: tuple[int, str], *, chunked: bool
) -> None:
    body = chat().ljust(size) if size else b""
    with ApisixWorker(service.socket) as worker:
        for _ in range(2):
            asked = chat_request(body, TOKEN, chunked=chunked)
            assert outcome(worker.handle(asked)) == expected


@pytest.mark.parametrize("allow_degradation", [False, True])
def test_sec_58_a_body_beyond_a_frame_is_refused_where_its_length_is_told(
    service: ApisixService, *, allow_degradation: bool
) -> None:
    """APISIX fails to send it: without a length we cannot know, and degradation lets it pass."""
    body = chat().ljust(1 << 24)
    with ApisixWorker(service.socket, allow_degradation=allow_degradation) as worker:
        assert outcome(worker.handle(chat_request(body, TOKEN))) == (413, "body_too_large")
        chunked = worker.handle(chat_request(body, TOKEN, chunked=True))
        if allow_degradation:
            assert isinstance(chunked.result, Proxied)
            assert not chunked.result.is_decided
        else:
            assert chunked.answered.status == 503


@pytest.mark.parametrize(
    ("settings", "lines", "expected"),
    [
        (OLD, (), (400, "body_not_shown")),
        (OLD, (("Content-Length", str(len(chat()))),), (200, "")),
        (NEW, (), (200, "")),
    ],
)
def test_0g_a_body_over_http2_that_apisix_hides_is_refused(
    service: ApisixService,
    settings: ApisixSettings,
    lines: tuple[tuple[str, str], ...],
    expected: tuple[int, str],
) -> None:
    with ApisixWorker(service.socket, settings=settings) as worker:
        asked = chat_request(chat(), TOKEN, *lines, http_version=2.0)
        assert outcome(worker.handle(asked)) == expected


# -- headers -----------------------------------------------------------------------------------


def test_sec_43_bytes_that_are_no_text_arrive_as_they_are(
    scripted: ApisixWorker, gate: ScriptedGate
) -> None:
    odd = (
        ("X-Latin", b"caf\xe9"),
        ("X-Bad", b"\xff\xfe\x80"),
        ("X-Tab", b"a\tb"),
        ("X-Empty", b""),
        ("X-Dup", b"one"),
        ("x-dup", b"two"),
        ("X-DUP", b"three, four"),
        ("X_Dup", b"five"),
    )
    exchange = scripted.handle(ClientRequest("GET", "/v1/models", (HOST, *odd)))
    assert isinstance(exchange.result, Proxied)
    (asked,) = gate.requests
    told = [(name, value) for name, value in asked.headers if name.startswith(b"x")]
    ours = [(name, value) for name, value in told if not name.startswith(b"x-forwarded")]
    assert sorted(ours) == sorted((name.lower().encode(), value) for name, value in odd)
    assert [value for name, value in told if name == b"x-dup"] == [b"one", b"two", b"three, four"]


@pytest.mark.parametrize(
    ("settings", "lines", "complete"),
    [
        (OLD, 96, True),
        (OLD, 97, False),
        (OLD, 99, False),
        (OLD, 100, False),
        (OLD, 101, False),
        (OLD, 500, False),
        (SHOWS_ALL, 99, True),
        (SHOWS_ALL, 100, False),
        (SHOWS_ALL, 101, False),
    ],
)
def test_0d_a_header_list_that_may_be_cut_is_refused(
    service: ApisixService, settings: ApisixSettings, lines: int, *, complete: bool
) -> None:
    """From 3.14 on three lines of APISIX's own stand behind those of the client."""
    many = tuple((f"X-{number}", "v") for number in range(lines - 2))
    with ApisixWorker(service.socket, settings=settings) as worker:
        exchange = worker.handle(ClientRequest("GET", "/v1/models", (HOST, TOKEN, *many)))
        assert outcome(exchange) == ((200, "") if complete else (431, "headers_cut"))


FORGED = (
    ("X-User-Id", "root"),
    ("x_user_id", "root"),
    ("X_User-Id", "root"),
    ("X-User_Id", "root"),
    ("X-USER-ID", "root"),
    ("x_gatepass_request", "root"),
    ("X-Gatepass-Request", "root"),
)


@pytest.mark.parametrize("told", [(), ((b"x-user-id", b"ann"),)])
@pytest.mark.parametrize("before", [0, 100])
@pytest.mark.parametrize("settings", [ApisixSettings((3, 8)), OLD, ApisixSettings((3, 18))])
def test_0b_0c_0d_a_forged_header_reaches_the_upstream_in_no_spelling(
    scripted: ApisixWorker,
    gate: ScriptedGate,
    settings: ApisixSettings,
    before: int,
    told: tuple[tuple[bytes, bytes], ...],
) -> None:
    """Not even one that the runner was not told of."""
    gate.answer = Allow("r-1", None, told, frozenset({b"x-user-id"}))
    scripted.settings = settings
    junk = tuple((f"X-{number}", "v") for number in range(before))
    exchange = scripted.handle(ClientRequest("GET", "/v1/models", (HOST, *junk, *FORGED)))
    found = {
        fold_name(name.encode()): value
        for name, value in exchange.proxied.headers
        if fold_name(name.encode()) in {b"x-user-id", b"x-gatepass-request"}
    }
    wanted = {name: value.decode() for name, value in told}
    assert found == wanted | {b"x-gatepass-request": "r-1"}


def test_0f_headers_that_nginx_lets_come_twice_are_judged(tmp_path: Path) -> None:
    twice: tuple[tuple[tuple[tuple[str, str], ...], tuple[int, str]], ...] = (
        ((TOKEN, ("Cookie", "a=1"), ("Cookie", "b=2")), (200, "")),
        ((("X-Api-Key", bearer()),), (200, "")),
        ((("X-Api-Key", bearer()), ("X-Api-Key", bearer("bob"))), (400, "two_tokens")),
        ((("X-Api-Key", bearer()), ("x_api_key", bearer("bob"))), (400, "two_tokens")),
        ((TOKEN, ("X-Api-Key", bearer())), (400, "two_tokens")),
        ((TOKEN, TOKEN), (400, "two_tokens")),
        ((TOKEN, *[("Content-Type", "application/json")] * 2), (200, "")),
        (
            (TOKEN, ("Content-Type", "application/json"), ("Content-Type", "text/plain")),
            (400, "body_not_json"),
        ),
        ((TOKEN, ("Content-Encoding", ""), ("Content-Encoding", "gzip")), (400, "body_not_json")),
    )
    names = ["authorization", "x-api-key"]
    with (
        running_apisix_service(tmp_path, token_headers=names) as service,
        ApisixWorker(service.socket) as worker,
    ):
        for headers, expected in twice:
            assert outcome(worker.handle(chat_request(chat(), *headers))) == expected, headers


# -- paths -------------------------------------------------------------------------------------

ONE_PLAIN_PATH = {
    b"/v1/models?x=/../admin",
    b"/v1/models/",
    b"/V1/models",
    b"/v1/a%20b",
    b"http://other.example/v1/abs?x=1",
}
TOLD = [row for row in PATH_TABLE if row.path is not None]


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApisixService]:
    everything = {"permissions": {"internal_user": {"routes": ["*"], "models": "all"}}}
    folder = tmp_path_factory.mktemp("open")
    sections = {"profiles": {"default": everything}, "users": {"upsert": True}}
    with running_apisix_service(folder, **sections) as running:
        yield running


@pytest.mark.parametrize("row", TOLD, ids=lambda row: row.target.decode("latin-1"))
def test_sec_32_33_a_target_passes_only_where_both_read_one_plain_path(
    open_to_all: ApisixService, row: Row
) -> None:
    with ApisixWorker(open_to_all.socket) as worker:
        exchange = worker.handle(ClientRequest("GET", row.target, (HOST, TOKEN)))
    passes = row.target in ONE_PLAIN_PATH
    assert outcome(exchange) == ((200, "") if passes else (400, "ambiguous_path"))


def test_sec_36_the_route_of_the_path_that_apisix_cleaned_is_not_enough(
    service: ApisixService,
) -> None:
    with ApisixWorker(service.socket) as worker:
        for target in ("/key/..%2fv1/chat/completions", "/key/%2e%2e" + CHAT, "/key/.." + CHAT):
            asked = request()
            sent = ClientRequest("POST", target, asked.headers, asked.body)
            assert outcome(worker.handle(sent)) == (400, "ambiguous_path")
