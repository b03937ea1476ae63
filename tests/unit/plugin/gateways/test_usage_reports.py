"""Reports of finished calls: who may send them, what they settle, and what they never do."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepass.plugin.budgets.memory import Settlement
from gatepass.plugin.gateways.bookkeeper import cost_nothing
from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.peers import Network
from gatepass.plugin.gateways.usage_reports import MAX_BODY_BYTES, MAX_RECORDS, usage_reports
from gatepass.plugin.metering.prices import Usage
from support.asgi import HANG_UP, Exchange, body_messages, exchange, http_scope
from support.doors import LOOPBACK, Bounds, ScriptedDecider
from support.kong_events import Books
from support.llm_answers import CHAT, EXPECTED, RESPONSES, events

TOKEN = b"0123456789abcdef0123456789abcdef"
GOOD = (b"authorization", b"Bearer " + TOKEN)
TAIL = ',"usage":' + json.dumps(CHAT) + "}"
"""What the Lua for APISIX leaves of a JSON answer."""


@dataclass(frozen=True)
class Reporting(Bounds):
    deadline_seconds: float = 0.02
    usage_token: bytes | None = TOKEN


@dataclass
class Desk:
    """A decision service with books that know one request."""

    books: Books = field(default_factory=lambda: Books({"r-1"}))
    bounds: Reporting = Reporting()
    faults: int = 0

    async def post(
        self,
        *chunks: bytes,
        headers: Sequence[tuple[bytes, bytes]] = (GOOD,),
        method: str = "POST",
        client: tuple[str, int] | None = ("127.0.0.1", 4711),
    ) -> Exchange:
        app = decision_app(ScriptedDecider(), self.bounds, usage_reports(self.books, self.bounds))
        scope = http_scope(method, b"/usage", headers, client=client)
        messages = body_messages(*chunks) if chunks else [HANG_UP]
        done = await exchange(app, scope, messages)
        assert done.values(b"cache-control") == [b"no-store"]
        assert len(done.values(b"content-length")) == 1
        self.faults = app.faults
        return done

    async def report(self, *records: object) -> tuple[int, int]:
        """Send records and return how many settled something and how many did not."""
        body = json.dumps(records if len(records) != 1 else records[0]).encode()
        done = await self.post(body)
        assert done.status == 200
        told = json.loads(done.body)
        assert set(told) == {"settled", "unknown"}
        return told["settled"], told["unknown"]


def code_of(done: Exchange) -> tuple[int, str]:
    return done.status, json.loads(done.body)["error"]["code"]


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


@pytest.mark.parametrize(
    "record",
    [
        {"prompt_tokens": 12, "completion_tokens": 30},
        {"prompt_tokens": "12", "completion_tokens": "30", "status": "200"},
        {"usage": TAIL, "status": 200},
        {"usage": TAIL, "usage_head": "", "complete": "yes"},
        {"usage": events({"usage": CHAT}, "[DONE]"), "usage_head": "data:\n", "complete": True},
        {"usage": json.dumps({"usage": RESPONSES}), "status": "502, 200"},
        {"usage": TAIL, "status": "-"},
        {"usage": TAIL, "route_id": "llm", "service_id": "llm", "more": {"deep": [1]}},
        {"prompt_tokens": "12", "completion_tokens": 30, "status": 500},
        {"prompt_tokens": "0", "completion_tokens": "0", "usage": TAIL},
    ],
)
async def test_usage_settles(record: dict[str, object]) -> None:
    desk = Desk()
    assert await desk.report({"request_id": "r-1", **record}) == (1, 0)
    assert desk.books.done == [("settle", "r-1", EXPECTED)]


async def test_what_anthropic_says_first_and_last() -> None:
    begun = {"type": "message_start", "message": {"usage": {"input_tokens": 12}}}
    ended = {"type": "message_delta", "usage": {"output_tokens": 30}}
    desk = Desk()
    record = {"request_id": "r-1", "usage": events(ended), "usage_head": events(begun)}
    assert await desk.report(record) == (1, 0)
    assert desk.books.done == [("settle", "r-1", EXPECTED)]


@pytest.mark.parametrize("status", [400, 404, 429, 500, "502", "200, 503", "500 : 503"])
async def test_a_failed_call_is_released(status: object) -> None:
    desk = Desk()
    for more in ({}, {"usage": TAIL}, {"prompt_tokens": "0", "completion_tokens": "0"}):
        desk.books.done.clear()
        assert await desk.report({"request_id": "r-1", "status": status, **more}) == (1, 0)
        assert desk.books.done == [("release", "r-1", None)]


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"status": 200},
        {"status": 499},
        {"status": 504},
        {"status": "200, 504"},
        *({"status": status} for status in ("", "-", "5000", "x503", "5o3", "0", None, True, 5e2)),
        *({"status": status} for status in ([500], {"status": 500}, "503,", "\u0665\u0660\u0663")),
        {"prompt_tokens": "0", "completion_tokens": "0"},
        {"prompt_tokens": 12},
        {"completion_tokens": "30"},
        {"prompt_tokens": -1, "completion_tokens": 30},
        {"prompt_tokens": "-1", "completion_tokens": "30"},
        {"prompt_tokens": 1.5, "completion_tokens": 30},
        {"prompt_tokens": True, "completion_tokens": 30},
        {"prompt_tokens": "1e3", "completion_tokens": "1"},
        {"prompt_tokens": "\u0661", "completion_tokens": "1"},
        {"prompt_tokens": "9" * 13, "completion_tokens": "1"},
        {"prompt_tokens": 10**30, "completion_tokens": 1},
        {"usage": ""},
        {"usage": "not json"},
        {"usage": CHAT},
        {"usage": [TAIL]},
        {"usage": TAIL, "usage_head": 7},
        {"usage": TAIL, "complete": False},
        {"usage": TAIL, "complete": "no"},
        {"prompt_tokens": 12, "completion_tokens": 30, "complete": "false"},
        {"usage": "\ud800" + TAIL[:-1]},
        {"usage": '{"choices":["' + json.dumps(TAIL)[1:-1] + '"]}'},
    ],
)
async def test_sec_59_what_says_nothing_leaves_the_reservation(record: dict[str, object]) -> None:
    desk = Desk()
    assert await desk.report({"request_id": "r-1", **record}) == (0, 1)
    assert desk.books.done == []


@pytest.mark.parametrize("request_id", ["", "r-2", "R-1", "r-1 ", "r-1, r-1", None, 1, ["r-1"], {}])
async def test_an_unknown_request_counts_nowhere(request_id: object) -> None:
    desk = Desk()
    assert await desk.report({"request_id": request_id, "usage": TAIL, "status": 500}) == (0, 1)
    assert await desk.report({"usage": TAIL, "status": 500}) == (0, 1)
    assert desk.books.done == []


async def test_what_was_forgotten_meanwhile_is_not_said_to_be_settled() -> None:
    class Forgetful(Books):
        async def settle(self, request_id: str, usage: Usage) -> Settlement:
            await super().settle(request_id, usage)
            return Settlement.UNKNOWN

        async def release(self, request_id: str) -> Settlement:
            await super().release(request_id)
            return Settlement.UNKNOWN

    desk = Desk(Forgetful({"r-1"}))
    told = await desk.report(
        {"request_id": "r-1", "usage": TAIL}, {"request_id": "r-1", "status": 500}
    )
    assert told == (0, 2)


async def test_a_batch_is_settled_record_by_record() -> None:
    desk = Desk(Books({f"r-{number}" for number in range(MAX_RECORDS)}))
    records: list[dict[str, object]] = [
        {"request_id": f"r-{number}", "prompt_tokens": 1, "completion_tokens": number + 1}
        for number in range(MAX_RECORDS - 3)
    ]
    records[1:1] = [{}, {"request_id": "r-x", "status": 500}, {"request_id": "r-1"}]
    assert await desk.report(*records) == (MAX_RECORDS - 3, 3)
    assert len(desk.books.done) == MAX_RECORDS - 3
    assert await desk.report(*[{}] * 2) == (0, 2)
    assert code_of(await desk.post(json.dumps([*records, {}]).encode())) == (413, "body_too_large")
    assert json.loads((await desk.post(b"[]")).body) == {"settled": 0, "unknown": 0}


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"null", b"1", b'"x"', b"{", b"[1]", b"[{}, null]", b"[[{}]]", b"{}{}", b"{}\n{}"),
        *(b'{"a": 1, "a": 1}', b'{"a": NaN}', b'{"a": 1e999}', b"\xef\xbb\xbf{}", b"[" * 100_000),
        b'{"request_id": "r-1", "status": 500, "request_id": "r-1"}',
        b'{"request_id": "r-1", "status": 500, "deep": [[[[[[[[1]]]]]]]]}',
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
    assert (done.status, json.loads(done.body)) == (200, {"settled": 1, "unknown": 1})


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


RECORDS = st.dictionaries(
    st.sampled_from(
        ["request_id", "status", "usage", "usage_head", "prompt_tokens", "complete", "x"]
    ),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
        st.sampled_from(["r-1", TAIL, 200, "503"]),
        st.lists(st.integers(), max_size=2),
    ),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RECORDS, max_size=5))
async def test_whatever_a_record_holds_there_is_an_answer(records: list[object]) -> None:
    desk = Desk()
    done = await desk.post(json.dumps(records).encode())
    assert (done.status, desk.faults) == (200, 0)
    assert sum(json.loads(done.body).values()) == len(records)


@pytest.mark.parametrize("networks", [(), LOOPBACK, (ip_network("10.0.0.0/8"),)])
def test_no_token_no_desk(networks: tuple[Network, ...]) -> None:
    bounds = Reporting(trusted_proxies=networks, usage_token=None)
    assert usage_reports(Books(), bounds) is None


@pytest.mark.parametrize(
    ("status", "nothing"), [(200, False), (399, False), (400, True), (499, False), (504, False)]
)
def test_which_calls_cost_nothing(status: int, *, nothing: bool) -> None:
    assert cost_nothing(status) is nothing
