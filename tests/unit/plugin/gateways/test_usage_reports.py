"""Reports of finished calls: what they settle, and what they never do."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatepass.plugin.budgets.engine import Settlement
from gatepass.plugin.gateways.bookkeeper import cost_nothing
from gatepass.plugin.metering.prices import Usage
from support.kong_events import Books
from support.llm_answers import CHAT, EXPECTED, RESPONSES, events
from support.usage_desk import TAIL, Desk


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
        {"usage": CHAT},
        {"usage": RESPONSES},
        {"response": {"id": "c-1", "choices": [], "usage": CHAT}, "status": 200},
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


SOMETHING_SENT = ["1", "0, 1", "10, 0", "-", "", "00", "0,0", "0, ", "0 : ", 0, None, ["0"]]


@pytest.mark.parametrize("status", ["502", 502, "502, 502", "502, 503"])
@pytest.mark.parametrize("sent", ["0", "0, 0", "0 : 0, 0"])
async def test_a_call_of_which_no_upstream_got_anything_is_released(
    status: object, sent: str
) -> None:
    desk = Desk()
    record = {"request_id": "r-1", "status": status, "bytes_sent": sent, "usage": TAIL}
    assert await desk.report(record) == (1, 0)
    assert desk.books.done == [("release", "r-1", None)]


@pytest.mark.parametrize("status", [400, 404, 429, 500, "503", "429, 503", "500 : 503"])
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
        {"status": "504, 503"},
        {"status": "499 : 500"},
        {"status": "200, 503"},
        {"status": 502},
        {"status": "502"},
        {"status": "502, 503"},
        {"status": 502, "usage": TAIL},
        {"status": "504, 502", "bytes_sent": "0, 0"},
        *({"status": 502, "bytes_sent": sent} for sent in SOMETHING_SENT),
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
        {"usage": [TAIL]},
        {"usage": TAIL, "usage_head": 7},
        {"usage": TAIL, "complete": False},
        {"usage": TAIL, "complete": "no"},
        {"prompt_tokens": 12, "completion_tokens": 30, "complete": "false"},
        {"usage": "\ud800" + TAIL[:-1]},
        {"usage": '{"choices":["' + json.dumps(TAIL)[1:-1] + '"]}'},
    ],
)
async def test_sec_59_what_says_nothing_costs_the_estimate(record: dict[str, object]) -> None:
    desk = Desk()
    assert await desk.report({"request_id": "r-1", **record}) == (0, 1)
    assert desk.books.done == [("settle_estimate", "r-1", None)]
    assert set(desk.codes) <= {"usage_missing", "usage_invalid"}


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

        async def settle_estimate(self, request_id: str) -> Settlement:
            await super().settle_estimate(request_id)
            return Settlement.UNKNOWN

    desk = Desk(Forgetful({"r-1"}))
    told = await desk.report(
        *({"request_id": "r-1", **more} for more in ({"usage": TAIL}, {"status": 500}, {}))
    )
    assert told == (0, 3)
    assert desk.codes == ["request_unknown"] * 3


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
    told = json.loads(done.body)
    assert told["settled"] + told["already_settled"] + told["unknown"] == len(records)


@pytest.mark.parametrize(
    ("status", "nothing"),
    [
        (200, False),
        (399, False),
        (400, True),
        (499, False),
        (502, False),
        (503, True),
        (504, False),
    ],
)
def test_which_calls_cost_nothing(status: int, *, nothing: bool) -> None:
    assert cost_nothing(status) is nothing
    assert cost_nothing(status, sent=False) is (nothing or status == 502)
