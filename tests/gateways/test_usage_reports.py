"""From APISIX's response to the bill: its Lua, the report over HTTP, the budgets."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gatepass.plugin.gateways.apisix.lua import mark_snippet, usage_snippet
from gatepass.plugin.gateways.apisix.names import (
    REQUEST_VARIABLE,
    USAGE_HEAD_VARIABLE,
    USAGE_VARIABLE,
)
from gatepass.plugin.gateways.kong.marker import MARKER, MARKER_PREFIX
from gatepass.plugin.gateways.usage_records import RecordCode
from support.apisix_lua import ApisixRequest
from support.books import counters
from support.documented import PAGES
from support.gatepass_service import Service, bearer, running_service
from support.gateway_table import CHAT, chat
from support.llm_answers import events
from support.raw_http import Reply, ask

TOKEN = "t0ken-of-the-one-who-may-report-usage"
USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
COST = 100 * 2_500 + 20 * 10_000
"""In nano-dollars, at $2.50 and $10 a million."""

Record = dict[str, object]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running_service(tmp_path, TOKEN) as running:
        yield running
        assert running.faults == 0


def allowed(service: Service) -> str:
    """Have a call allowed, and return the id of its reservation."""
    body = chat(max_tokens=500)
    headers = (
        ("Authorization", bearer()),
        ("X-Forwarded-Method", "POST"),
        ("X-Forwarded-Uri", CHAT),
    )
    assert ask(service.door.port, "POST", "/traefik/default", headers, body).status == 200
    return service.asked.decisions[-1].request_id


def report(service: Service, document: object, token: str = TOKEN) -> Reply:
    headers = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"))
    return ask(service.door.port, "POST", "/usage", headers, json.dumps(document).encode())


def logged(request_id: str, chunks: list[bytes], content_type: str, status: int = 200) -> Record:
    """Return what http-logger ships of a response that came in these chunks."""
    lua = ApisixRequest(mark_snippet(), content_type=content_type)
    lua.set("http_x_gatepass_request", request_id.encode())
    lua.run()
    lua.load(usage_snippet())
    for chunk in chunks:
        lua.feed(chunk)
    lua.finish(None)
    variables = {
        "request_id": lua.get(REQUEST_VARIABLE),
        "usage": lua.get(USAGE_VARIABLE),
        "usage_head": lua.get(USAGE_HEAD_VARIABLE),
    }
    entry: Record = {name: text.decode("ascii") for name, text in variables.items() if text}
    return {**entry, "status": status, "route_id": "llm", "service_id": "llm"}


def books(service: Service) -> tuple[int, bool]:
    """Return what is spent, in nano-dollars, and whether something is reserved."""
    running = counters(service.gate)
    if not running:
        return 0, False
    (counter,) = running.values()
    return counter.spent, counter.reserved > 0


def told(reply: Reply) -> tuple[int, dict[str, object]]:
    return reply.status, json.loads(reply.body)


ONE = (200, {"settled": 1, "already_settled": 0, "unknown": 0, "problems": []})
AGAIN = (200, {"settled": 0, "already_settled": 1, "unknown": 0, "problems": []})


def test_a_json_answer_is_paid_by_its_usage(service: Service) -> None:
    request_id = allowed(service)
    assert books(service) == (0, True)
    answer = json.dumps({"choices": [{"text": "x" * 20_000}], "usage": USAGE}).encode()
    record = logged(request_id, [answer[:7000], answer[7000:]], "application/json")
    assert told(report(service, record)) == ONE
    assert books(service) == (COST, False)


def test_streams_are_paid_in_a_batch_that_comes_twice(service: Service) -> None:
    records = []
    for _ in range(3):
        parts = [{"choices": [{"delta": {"content": "w"}}], "usage": None}] * 500
        stream = events(*parts, {"choices": [], "usage": USAGE}, "[DONE]").encode()
        chunks = [stream[start : start + 99] for start in range(0, len(stream), 99)]
        records.append(logged(allowed(service), chunks, "text/event-stream"))
    records.append({"route_id": "refused", "status": 401})
    unknown = [{"record": 3, "code": "request_unknown"}]
    for settled, already in ((3, 0), (0, 3)):
        counts = {"settled": settled, "already_settled": already, "unknown": 1}
        assert told(report(service, records)) == (200, {**counts, "problems": unknown})
        assert books(service) == (3 * COST, False)


def test_what_ai_proxy_counted_is_paid(service: Service) -> None:
    record = {"request_id": allowed(service), "prompt_tokens": "100", "completion_tokens": "20"}
    assert told(report(service, record)) == ONE
    assert books(service) == (COST, False)


def test_the_request_of_the_documentation_gets_its_answer(service: Service) -> None:
    page = (PAGES / "apisix.md").read_text(encoding="utf-8")
    ((body, answer),) = re.findall(r"/usage .*?\n +-d '(.*)'\n +(.*)\n", page)
    (record,) = json.loads(body)
    reply = report(service, [{**record, "request_id": allowed(service)}])
    assert (reply.status, reply.body.decode()) == (200, answer)
    assert books(service) == (12 * 2_500 + 30 * 10_000, False)


def test_the_page_about_usage_says_what_is_answered(service: Service) -> None:
    page = (PAGES.parent / "usage.md").read_text(encoding="utf-8")
    ((body, answer),) = re.findall(r"/usage .*?\n +-d '(.*)'\n +(.*)\n", page)
    first, second = json.loads(body)
    reply = report(service, [{**first, "request_id": allowed(service)}, second])
    assert (reply.status, reply.body.decode()) == (200, answer)
    assert books(service) == (12 * 2_500 + 30 * 10_000, False)


def test_the_page_about_usage_names_every_code() -> None:
    page = (PAGES.parent / "usage.md").read_text(encoding="utf-8")
    codes = page.partition("| code | meaning |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", codes, re.MULTILINE) == [code.value for code in RecordCode]


def test_kongs_http_log_reports_by_the_marker(service: Service) -> None:
    page = (PAGES.parent / "usage.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (plugin,) = yaml.safe_load(text)["plugins"]
    assert plugin["config"]["headers"]["Authorization"].startswith("Bearer ")
    (field, lua) = next(iter(plugin["config"]["custom_fields_by_lua"].items()))
    assert lua == f"return kong.ctx.shared.{MARKER}"
    counted = {"usage": {"prompt_tokens": 100, "completion_tokens": 20}}
    entry = {
        field: MARKER_PREFIX + allowed(service),
        "response": {"status": 200, "headers": {}},
        "ai": {"proxy": counted},
    }
    assert told(report(service, [entry])) == ONE
    assert books(service) == (COST, False)


def test_a_failed_call_costs_nothing(service: Service) -> None:
    record = logged(allowed(service), [b'{"error": "busy"}'], "application/json", 503)
    assert told(report(service, record)) == ONE
    assert books(service) == (0, False)


def test_sec_59_where_nobody_says_what_it_cost_the_estimate_is_charged(service: Service) -> None:
    record = logged(allowed(service), [b"{}"], "application/json")
    status, answer = told(report(service, record))
    assert (status, answer["problems"]) == (200, [{"record": 0, "code": "usage_missing"}])
    spent, reserved = books(service)
    assert spent > 10 * COST
    assert not reserved


def test_sec_59_a_later_report_changes_nothing(service: Service) -> None:
    request_id = allowed(service)
    answer = json.dumps({"usage": USAGE}).encode()
    report(service, logged(request_id, [answer], "application/json"))
    for later in ({"prompt_tokens": 1, "completion_tokens": 0}, {"status": 500}):
        assert told(report(service, {"request_id": request_id, **later})) == AGAIN
        assert books(service) == (COST, False)


def test_sec_62_a_stranger_settles_nothing(service: Service) -> None:
    record = {"request_id": allowed(service), "status": 500}
    reply = report(service, record, token=TOKEN[:-1])
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (401, "no_token")
    assert books(service) == (0, True)


def test_without_a_token_there_is_no_such_page(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        assert report(service, {}).status == 404
        assert report(service, {}, token="None").status == 404
