"""Records of finished calls in the shapes of each pipe, and why one of them settles nothing."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.errors import StoreUnavailable
from gatepass.plugin.gateways.http_door import decision_app
from gatepass.plugin.gateways.usage_records import RecordCode, read_report
from gatepass.plugin.gateways.usage_reports import (
    MAX_RECORDS,
    MAX_UNDER_WAY,
    RETRY_AFTER_SECONDS,
    usage_reports,
)
from gatepass.plugin.metering.prices import Usage
from support.asgi import body_messages, exchange, http_scope
from support.doors import ScriptedDecider
from support.kong_events import Books
from support.llm_answers import CHAT, EXPECTED
from support.usage_desk import GOOD, TAIL, Desk, Reporting, code_of

COST = "x-litellm-response-cost"


def kong_entry(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - as wide as Kong's
    """Return what Kong's http-log ships of a call that was let through."""
    entry: dict[str, Any] = {
        "request_id": "v1:r-1",
        "request": {
            "id": "5b1e9d2f",
            "uri": "/v1/chat/completions",
            "method": "POST",
            "headers": {"host": "llm.example", "content-type": "application/json"},
            "querystring": {},
            "size": 812,
        },
        "response": {
            "status": 200,
            "size": 1490,
            "headers": {"content-type": "application/json", "set-cookie": ["a=1", "b=2"]},
        },
        "upstream_status": "200",
        "latencies": {"kong": 7, "proxy": 1840, "request": 1847, "receive": 0},
        "tries": [{"ip": "192.0.2.1", "port": 443, "balancer_latency": 0}],
        "client_ip": "192.0.2.7",
        "started_at": 1763900000000,
    }
    for name, value in more.items():
        entry[name] = {**entry[name], **value} if isinstance(entry.get(name), dict) else value
    return entry


async def settled(record: object, *, cost_header: bytes | None = None) -> list[Any]:
    desk = Desk(bounds=Reporting(cost_header=cost_header))
    assert await desk.report(record) == (1, 0)
    return desk.books.done


COUNTED = {"proxy": {"meta": {}, "usage": {"prompt_tokens": 12, "completion_tokens": 30}}}


async def test_kongs_own_count_settles() -> None:
    assert await settled(kong_entry(ai=COUNTED)) == [("settle", "r-1", EXPECTED)]


async def test_a_failed_call_of_kongs_is_released() -> None:
    for status in (500, 429):
        entry = kong_entry(response={"status": status}, ai=COUNTED)
        assert await settled(entry) == [("release", "r-1", None)]
    desk = Desk()
    assert await desk.report(kong_entry(response={"status": 504})) == (0, 1)
    assert desk.codes == ["usage_missing"]


@pytest.mark.parametrize("name", [COST, "X-LiteLLM-Response-Cost"])
async def test_a_cost_in_a_header_counts_where_the_settings_name_it(name: str) -> None:
    entry = kong_entry(response={"headers": {name: "1.2e-05"}}, ai=COUNTED)
    done = await settled(entry, cost_header=COST.encode())
    assert done == [("settle_cost", "r-1", (12_000, EXPECTED))]
    assert await settled(entry) == [("settle", "r-1", EXPECTED)]
    entry = kong_entry(response={"headers": {name: ["1", "2"]}}, ai=COUNTED)
    assert await settled(entry, cost_header=COST.encode()) == [("settle", "r-1", EXPECTED)]


async def test_a_failed_call_costs_nothing_whatever_its_headers_say() -> None:
    entry = kong_entry(response={"status": 500, "headers": {COST: "1"}})
    assert await settled(entry, cost_header=COST.encode()) == [("release", "r-1", None)]


@pytest.mark.parametrize(
    ("headers", "usage"),
    [
        ({"input-token-count": "12", "output-token-count": "30"}, EXPECTED),
        (
            {
                "input-token-count": "2",
                "output-token-count": "30",
                "cache-read-input-token-count": "10",
            },
            Usage(12, 30, cached_tokens=10),
        ),
        ({"input-token-count": "12"}, None),
        ({"input-token-count": "-12", "output-token-count": "30"}, None),
        ({"input-token-count": "1e3", "output-token-count": "30"}, None),
    ],
)
def test_what_bedrock_says_in_headers(headers: Mapping[str, str], usage: Usage | None) -> None:
    named = {f"X-Amzn-Bedrock-{name}": value for name, value in headers.items()}
    assert read_report(kong_entry(response={"headers": named}), None).usage == usage


@pytest.mark.parametrize(
    ("cost", "nano"),
    [("0.000415", 415_000), (0.000415, 415_000), (2, 2_000_000_000), ("0", 0), (1e-05, 10_000)],
)
async def test_a_cost_of_whoever_reports_counts_before_everything(cost: object, nano: int) -> None:
    record = {"request_id": "r-1", "cost": cost, "usage": CHAT}
    assert await settled(record) == [("settle_cost", "r-1", (nano, EXPECTED))]
    assert await settled({"request_id": "r-1", "cost": cost}) == [("settle_cost", "r-1", nano)]


CODES = [
    ({"request_id": "r-1"}, "usage_missing"),
    ({"request_id": "r-1", "usage": None, "cost": None}, "usage_missing"),
    ({"request_id": "r-1", "prompt_tokens": "0", "completion_tokens": 0}, "usage_missing"),
    ({"request_id": "r-1", "status": 504}, "usage_missing"),
    (kong_entry(), "usage_missing"),
    ({"request_id": "r-1", "usage": "NaN"}, "usage_invalid"),
    ({"request_id": "r-1", "usage": {}}, "usage_invalid"),
    (
        {"request_id": "r-1", "usage": {"prompt_tokens": -1, "completion_tokens": 5}},
        "usage_invalid",
    ),
    ({"request_id": "r-1", "prompt_tokens": -1, "completion_tokens": 5}, "usage_invalid"),
    ({"request_id": "r-1", "prompt_tokens": 1e30, "completion_tokens": 5}, "usage_invalid"),
    ({"request_id": "r-1", "prompt_tokens": 10**30, "completion_tokens": 5}, "usage_invalid"),
    ({"request_id": "r-1", "prompt_tokens": "many", "completion_tokens": 5}, "usage_invalid"),
    ({"request_id": "r-1", "prompt_tokens": "NaN", "completion_tokens": 5}, "usage_invalid"),
    ({"request_id": "r-1", "prompt_tokens": "Infinity", "completion_tokens": 5}, "usage_invalid"),
    ({"request_id": "r-1", "prompt_tokens": 5}, "usage_invalid"),
    ({"request_id": "r-1", "cost": -1}, "usage_invalid"),
    ({"request_id": "r-1", "cost": "-0.1"}, "usage_invalid"),
    ({"request_id": "r-1", "cost": "NaN"}, "usage_invalid"),
    ({"request_id": "r-1", "cost": "Infinity"}, "usage_invalid"),
    ({"request_id": "r-1", "cost": 1e30}, "usage_invalid"),
    ({"request_id": "r-1", "cost": "1e30"}, "usage_invalid"),
    ({"request_id": "r-1", "cost": True}, "usage_invalid"),
    ({"request_id": "r-1", "cost": "much"}, "usage_invalid"),
    (
        {
            "request_id": "r-1",
            "usage": {**CHAT, "prompt_tokens_details": {"cached_tokens": 13}},
        },
        "usage_invalid",
    ),
    ({"request_id": "r-2", "usage": CHAT}, "request_unknown"),
    ({"request_id": "x" * 200, "usage": CHAT}, "request_unknown"),
    ({"request_id": None, "usage": CHAT}, "request_unknown"),
    ({"request_id": "\ud800x", "status": 500}, "request_unknown"),
    ({"request_id": "r\u0000", "status": 500}, "request_unknown"),
    ({"request_id": "r\u00e9", "status": 500}, "request_unknown"),
    ({"request_id": "r-1\n", "status": 500}, "request_unknown"),
    ({"usage": CHAT}, "request_unknown"),
]


@pytest.mark.parametrize(("record", "code"), CODES)
async def test_sec_59_every_record_that_settles_nothing_says_why(
    record: Mapping[str, object], code: str
) -> None:
    desk = Desk()
    assert await desk.report(record) == (0, 1)
    assert desk.codes == [code]
    said_nothing = [("settle_estimate", "r-1", None)]
    assert desk.books.done == ([] if code == "request_unknown" else said_nothing)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
async def test_sec_59_a_number_that_is_none_is_no_json(number: str) -> None:
    record = f'{{"request_id": "r-1", "prompt_tokens": {number}, "completion_tokens": 1}}'
    desk = Desk()
    assert code_of(await desk.post(record.encode())) == (400, "body_not_json")
    assert code_of(await desk.post(f"[{record}]".encode())) == (400, "body_not_json")
    assert desk.books.done == []


async def test_records_may_stand_on_lines_of_their_own() -> None:
    """As http-logger writes them with `concat_method: new_line`; a bad line spoils no other."""
    lines = [
        json.dumps({"request_id": "r-1", "usage": TAIL}),
        '{"request_id": "r-1", "cost": NaN}',
        "",
        "[1]",
        json.dumps({"request_id": "r-3"}),
    ]
    desk = Desk()
    done = await desk.post("\r\n".join(lines).encode())
    assert done.status == 200
    assert json.loads(done.body) == {
        "settled": 1,
        "already_settled": 0,
        "unknown": 3,
        "problems": [
            {"record": 1, "code": "record_unreadable"},
            {"record": 2, "code": "record_unreadable"},
            {"record": 3, "code": "request_unknown"},
        ],
    }
    many = b'{"request_id": "r-1"}\n' * (MAX_RECORDS + 1)
    assert code_of(await desk.post(many)) == (413, "body_too_large")


class OnceBooks(Books):
    """Knows what was settled before."""

    async def settle(self, request_id: str, usage: Usage) -> Settlement:
        again = any(done[1] == request_id for done in self.done)
        await super().settle(request_id, usage)
        return Settlement.ALREADY_SETTLED if again else Settlement.SETTLED


async def test_sec_59_a_usage_that_comes_twice_settles_once_and_says_so() -> None:
    desk = Desk(OnceBooks({"r-1"}))
    first = {"request_id": "r-1", "usage": CHAT}
    second = {"request_id": "r-1", "prompt_tokens": 1, "completion_tokens": 1}
    done = await desk.post(json.dumps([first, second, first]).encode())
    told = json.loads(done.body)
    assert (told["settled"], told["already_settled"], told["problems"]) == (1, 2, [])
    assert desk.books.done[0] == ("settle", "r-1", EXPECTED)


class StrictBooks(Books):
    """Asks a database, which takes no id that is no text, as the engines in SQL do."""

    def may_be_settled(self, request_id: str) -> bool:
        assert request_id.encode().isalnum() or request_id == "r-1"
        return True


@pytest.mark.parametrize("name", ["\ud800x", "\u0000", "v1:\ud800", "\u20ac", "\u2028"])
async def test_sec_59_one_odd_id_costs_no_other_call_its_settlement(name: str) -> None:
    desk = Desk(StrictBooks())
    told = await desk.report({"request_id": name, "status": 500}, {"request_id": "r-1", "cost": 1})
    assert told == (1, 1)
    assert desk.codes == ["request_unknown"]
    assert desk.books.done == [("settle_cost", "r-1", 10**9)]


class FullBooks(Books):
    """Can write nothing down after the first."""

    async def settle(self, request_id: str, usage: Usage) -> Settlement:
        if self.done:
            raise StoreUnavailable
        return await super().settle(request_id, usage)


async def test_sec_41_what_cannot_be_written_down_is_to_be_sent_again() -> None:
    desk = Desk(FullBooks({"r-1", "r-2"}))
    records = [{"request_id": name, "usage": CHAT} for name in ("r-1", "r-2")]
    done = await desk.post(json.dumps(records).encode())
    assert code_of(done) == (503, "store_error")
    assert done.values(b"retry-after") == [b"%d" % RETRY_AFTER_SECONDS]
    assert desk.faults == 0


async def test_sec_57_no_more_reports_are_held_than_can_be() -> None:
    desk = Desk()
    reports = usage_reports(desk.books, desk.bounds)
    assert reports is not None
    app = decision_app(ScriptedDecider(), desk.bounds, reports)
    scope = http_scope("POST", b"/usage", [GOOD], client=("127.0.0.1", 4711))
    record = json.dumps({"request_id": "r-1", "usage": CHAT}).encode()
    reports._under_way = MAX_UNDER_WAY
    done = await exchange(app, scope, body_messages(record))
    assert code_of(done) == (503, "overloaded")
    assert done.values(b"retry-after") == [b"%d" % RETRY_AFTER_SECONDS]
    reports._under_way = MAX_UNDER_WAY - 1
    assert (await exchange(app, scope, body_messages(record))).status == 200
    assert (await exchange(app, scope, body_messages(b"{"))).status == 400
    assert reports._under_way == MAX_UNDER_WAY - 1


def test_every_code_is_tested_here() -> None:
    tested = {code for _, code in CODES} | {"record_unreadable", "settled", "already_settled"}
    assert tested == {code.value for code in RecordCode}
