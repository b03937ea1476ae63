"""Reports of finished calls: who may send them, and what is none."""

import json
import logging
from ipaddress import ip_network

import pytest

from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.peers import Network
from gatepass.plugin.gateways.usage_reports import MAX_BODY_BYTES, MAX_RECORDS, usage_reports
from gatepass.plugin.metering.prices import Usage
from support.asgi import body_messages, exchange, http_scope
from support.doors import LOOPBACK, ScriptedDecider
from support.kong_events import Books
from support.usage_desk import GOOD, TAIL, TOKEN, Desk, Reporting, code_of


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"Bearer ")],
        [(b"authorization", TOKEN)],
        [(b"authorization", b"Basic " + TOKEN)],
        [(b"authorization", b"Bearer " + TOKEN[:-1])],
        [(b"authorization", b"Bearer " + TOKEN + b" ")],
        [(b"authorization", b"Bearer " + TOKEN.upper())],
        [(b"authorization", b"Bearer \xff")],
        [GOOD, GOOD],
        [(b"authorization", b""), GOOD],
        [(b"x-api-key", TOKEN)],
    ],
)
async def test_sec_62_without_the_token_nothing_is_settled(
    headers: list[tuple[bytes, bytes]],
) -> None:
    desk = Desk()
    done = await desk.post(b'{"request_id": "r-1", "status": 500}', headers=headers)
    assert code_of(done) == (401, "no_token")
    assert done.values(b"www-authenticate") == [b'Bearer realm="gatepass"']
    assert desk.books.done == []


async def test_sec_60_a_token_that_is_refused_is_said_once_and_never_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As when `Bearer ` is left out of what http-logger sends: nobody reads its answers."""
    reports = usage_reports(Books({"r-1"}), Reporting())
    app = decision_app(ScriptedDecider(), Reporting(), reports)
    wrong = [(b"authorization", TOKEN)]
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            scope = http_scope("POST", b"/usage", wrong, client=("127.0.0.1", 4711))
            assert (await exchange(app, scope, body_messages(b"{}"))).status == 401
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("gatepass.usage", "WARNING")
    assert "doors.http.usage_token" in record.getMessage()
    assert TOKEN.decode() not in str(vars(record))


@pytest.mark.parametrize("client", [("192.0.2.1", 1), ("::ffff:192.0.2.1", 1), ("", 0)])
async def test_sec_62_nobody_but_the_proxies_may_report(client: tuple[str, int]) -> None:
    desk = Desk()
    done = await desk.post(b'{"request_id": "r-1", "status": 500}', client=client)
    assert code_of(done) == (503, "untrusted_proxy")
    assert desk.books.done == []


async def test_without_the_setting_there_is_no_such_page() -> None:
    for bounds in (Reporting(usage_token=None), Reporting(usage_token=b"")):
        desk = Desk(bounds=bounds)
        assert (await desk.post(b"{}")).status == 404
        assert (await desk.post(b"{}", headers=[(b"authorization", b"Bearer ")])).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_methods_are_none_of_it(method: str) -> None:
    assert (await Desk().post(b"{}", method=method)).status == 405


async def test_a_batch_is_settled_record_by_record() -> None:
    desk = Desk(Books({f"r-{number}" for number in range(MAX_RECORDS)}))
    records: list[dict[str, object]] = [
        {"request_id": f"r-{number}", "prompt_tokens": 1, "completion_tokens": number + 1}
        for number in range(MAX_RECORDS - 3)
    ]
    records[1:1] = [{}, {"request_id": "r-x", "status": 500}, {"request_id": "r-1"}]
    assert await desk.report(*records) == (MAX_RECORDS - 3, 3)
    done = [what for what, _, _ in desk.books.done]
    assert (done.count("settle"), len(done)) == (MAX_RECORDS - 3, MAX_RECORDS - 2)
    assert ("settle_estimate", "r-1", None) in desk.books.done
    assert await desk.report(*[{}] * 2) == (0, 2)
    assert code_of(await desk.post(json.dumps([*records, {}]).encode())) == (413, "body_too_large")
    assert await desk.report(*[]) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"null",
            b"1",
            b'"x"',
            b"{",
            b"[1]",
            b"[{}, null]",
            b"[[{}]]",
            b"{}{}",
            b"[{}]\n[{}]",
        ),
        *(b'{"a": 1, "a": 1}', b'{"a": NaN}', b'{"a": 1e999}', b"\xef\xbb\xbf{}", b"[" * 100_000),
        b'{"request_id": "r-1", "status": 500, "request_id": "r-1"}',
        b'{"request_id": "r-1", "status": 500, "deep": ' + b"[" * 24 + b"]" * 24 + b"}",
    ],
)
async def test_a_body_that_is_no_report_settles_nothing(body: bytes) -> None:
    desk = Desk()
    assert code_of(await desk.post(body)) == (400, "body_not_json")
    assert desk.books.done == []


async def test_sec_59_one_clients_header_does_not_cost_the_others_their_settlement() -> None:
    """APISIX logs refused requests too, with whatever the client sent as our header."""
    desk = Desk()
    body = b'[{"request_id": "\xff\xc3(\xed\xa0\x80"}, {"request_id": "r-1", "usage": %s}]'
    done = await desk.post(body % json.dumps(TAIL).encode())
    assert done.status == 200
    assert json.loads(done.body) == {
        "settled": 1,
        "already_settled": 0,
        "unknown": 1,
        "problems": [{"record": 0, "code": "request_unknown"}],
    }


async def test_sec_57_a_body_above_the_limit_is_not_read_to_its_end() -> None:
    desk = Desk()
    half = b" " * (MAX_BODY_BYTES // 2)
    done = await desk.post(b'{"request_id": "r-1", "status": 500}', half, half, b"never read")
    assert code_of(done) == (413, "body_too_large")
    assert done.sent
    fits = b" " * (MAX_BODY_BYTES - 2)
    assert (await desk.post(b"{}", fits)).status == 200


async def test_a_body_that_does_not_come_ends_in_time() -> None:
    desk = Desk()
    app = decision_app(ScriptedDecider(), desk.bounds, usage_reports(desk.books, desk.bounds))
    waiting = [{"type": "http.request", "body": b"{", "more_body": True}]
    done = await exchange(app, http_scope("POST", b"/usage", [GOOD]), waiting)
    assert code_of(done) == (503, "deadline")
    assert code_of(await desk.post()) == (400, "body_not_json")


async def test_sec_60_a_fault_is_counted_and_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Books):
        async def settle(self, request_id: str, usage: Usage) -> Settlement:
            raise RuntimeError(request_id, usage)

    desk = Desk(Broken({"r-secret"}))
    record = {"request_id": "r-secret", "usage": TAIL}
    with caplog.at_level(logging.DEBUG):
        done = await desk.post(json.dumps(record).encode())
    assert code_of(done) == (503, "internal_error")
    assert desk.faults == 1
    assert "r-secret" not in caplog.text
    assert b"r-secret" not in done.body


async def test_sec_60_nothing_of_a_record_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await Desk().report({"request_id": "r-1", "usage": "r-secret"}, {"request_id": "r-secret"})
    assert caplog.text == ""


@pytest.mark.parametrize("networks", [(), LOOPBACK, (ip_network("10.0.0.0/8"),)])
def test_no_token_no_desk(networks: tuple[Network, ...]) -> None:
    bounds = Reporting(trusted_proxies=networks, usage_token=None)
    assert usage_reports(Books(), bounds) is None
