"""The log phase: whether a reservation is settled, by what, and when it is left alone."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gatepass.plugin import Gate, Usage
from gatepass.plugin.gateways.body_waits import BodyWaits
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.gateways.kong.access import access
from gatepass.plugin.gateways.kong.bounds import KongDoor
from gatepass.plugin.gateways.kong.calls import NOTHING_TO_DO, Proceed
from gatepass.plugin.gateways.kong.marker import MARKER_PREFIX
from gatepass.plugin.gateways.kong.settlement import settle
from support.clock import ManualClock
from support.gates import ann, chat_body, open_gate
from support.kong_events import DOOR, Books, play

TAIL = b'{"usage":{"prompt_tokens":12,"completion_tokens":30}}'
LOG_ENTRY = b'{"ai":{"proxy":{"usage":{"prompt_tokens":1,"completion_tokens":2}}}}'
WITH_COST = replace(DOOR, cost_header=b"x-cost")

MARKER = "kong.ctx.shared.get gatepass"
STATUS = "kong.response.get_status"
COST = "kong.response.get_header x-cost"
TAIL_KEY = "kong.ctx.shared.get gatepass_tail"
HEAD_KEY = "kong.ctx.shared.get gatepass_head"
ENTRY = "kong.log.serialize"
KONG: Mapping[str, object] = {
    MARKER: b"v1:r-1",
    STATUS: 200,
    COST: b"",
    TAIL_KEY: TAIL,
    HEAD_KEY: TAIL,
    ENTRY: LOG_ENTRY,
}


def spelled(function: str, argument: object) -> str:
    return f"{function} {argument.decode()}" if isinstance(argument, bytes) else function


async def run(
    changes: Mapping[str, object] | None = None,
    door: KongDoor = DOOR,
    known: frozenset[str] = frozenset({"r-1"}),
) -> tuple[list[tuple[str, str, object]], list[str]]:
    books = Books(known=set(known))
    ending, asked = await play(settle(books, door), {**KONG, **(changes or {})})
    assert ending == NOTHING_TO_DO
    return books.done, [spelled(*pair) for pair in asked]


SETTLED = ("settle", "r-1", Usage(12, 30))
ESTIMATED = ("settle_estimate", "r-1", None)


@pytest.mark.parametrize(
    "marker",
    [
        None,
        b"",
        b"v1:",
        b"v2:r-1",
        b"r-1",
        b"V1:r-1",
        b" v1:r-1",
        b"NULL_VALUE",
        b"v1:another",
        b"v1:\xff",
        b"v1:r-1 ",
    ],
)
async def test_a_request_that_we_did_not_let_through_settles_nothing(marker: bytes | None) -> None:
    done, asked = await run({MARKER: marker})
    assert done == []
    assert asked == [MARKER]


class Trusting(Books):
    """Knows every request, even one without a name."""

    def may_be_settled(self, request_id: str) -> bool:
        self.done.append(("asked", request_id, None))
        return True


@pytest.mark.parametrize("marker", [None, b"", b"v1:", b"v2:r-1", b"r-1", b"NULL_VALUE"])
async def test_sec_59_what_is_no_marker_is_no_request_for_any_books(marker: bytes | None) -> None:
    books = Trusting()
    ending, asked = await play(settle(books, DOOR), {**KONG, MARKER: marker})
    assert ending == NOTHING_TO_DO
    assert [spelled(*pair) for pair in asked] == [MARKER]
    assert books.done == []


async def test_a_request_without_a_reservation_costs_one_question() -> None:
    done, asked = await run(known=frozenset())
    assert done == []
    assert asked == [MARKER]


async def test_the_usage_of_the_response_counts() -> None:
    done, asked = await run()
    assert done == [SETTLED]
    assert asked == [MARKER, STATUS, TAIL_KEY, HEAD_KEY]


@pytest.mark.parametrize("status", [400, 403, 429, 498, 500, 501, 503])
async def test_a_call_that_failed_is_released(status: int) -> None:
    done, asked = await run({STATUS: status, ENTRY: b"{}"}, WITH_COST)
    assert done == [("release", "r-1", None)]
    assert asked == [MARKER, STATUS, ENTRY]


@pytest.mark.parametrize("status", [400, 429, 500, 502, 504, 499])
async def test_sec_59_a_failure_behind_which_tokens_were_counted_is_paid(status: int) -> None:
    """Kong's AI proxy makes a 500 of an answer that it cannot read, and of one that came late."""
    done, _ = await run({STATUS: status})
    assert done == [("settle", "r-1", Usage(1, 2))]


@pytest.mark.parametrize("status", [499, 502, 504])
async def test_sec_59_whoever_waits_no_longer_does_not_call_for_free(status: int) -> None:
    """The upstream may have written its answer all the same, and 502 is one that was not read."""
    done, _ = await run({STATUS: status, ENTRY: b"{}"}, WITH_COST)
    assert done == [ESTIMATED]


@pytest.mark.parametrize("status", [200, 201, 206, 302, 399])
async def test_a_call_that_was_answered_is_settled(status: int) -> None:
    """Also when a plugin made the answer, which may have asked the upstream by itself."""
    assert await run({STATUS: status}) == ([SETTLED], [MARKER, STATUS, TAIL_KEY, HEAD_KEY])


async def test_a_cost_that_the_upstream_names_comes_first() -> None:
    done, asked = await run({COST: b"0.0000125"}, WITH_COST)
    assert done == [("settle_cost", "r-1", (12_500, Usage(12, 30)))]
    assert asked == [MARKER, STATUS, COST, TAIL_KEY, HEAD_KEY]


async def test_a_cost_settles_also_where_nobody_says_the_tokens() -> None:
    for tail in (None, b"{}"):
        done, asked = await run({COST: b"0.0000125", TAIL_KEY: tail}, WITH_COST)
        assert done == [("settle_cost", "r-1", 12_500)]
        assert asked == [MARKER, STATUS, COST, TAIL_KEY, HEAD_KEY]


@pytest.mark.parametrize(
    "cost", [b"", b"-1", b"free", b"nan", b"inf", b"1,5", b"\xff", b"1" * 100, b"0x1", b"9e99"]
)
async def test_sec_59_a_cost_that_is_no_number_is_none(cost: bytes) -> None:
    done, asked = await run({COST: cost}, WITH_COST)
    assert done == [SETTLED]
    assert asked == [MARKER, STATUS, COST, TAIL_KEY, HEAD_KEY]


async def test_a_cost_of_nothing_is_a_cost() -> None:
    done, _ = await run({COST: b"0"}, WITH_COST)
    assert done == [("settle_cost", "r-1", (0, Usage(12, 30)))]


async def test_without_the_setting_no_header_is_asked_for() -> None:
    assert COST not in (await run({COST: b"0"}))[1]


@pytest.mark.parametrize("tail", [None, b"", b"{}", b"\xff\xfe", b'{"usage":{"prompt_tokens":-1}}'])
async def test_the_log_entry_comes_last(tail: bytes | None) -> None:
    done, asked = await run({TAIL_KEY: tail})
    assert done == [("settle", "r-1", Usage(1, 2))]
    assert asked == [MARKER, STATUS, TAIL_KEY, HEAD_KEY, ENTRY]


STREAM_HEAD = (
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":'
    b'{"input_tokens":12,"output_tokens":1}}}\n\nevent: content_block_delta\ndata: {"ty'
)
STREAM_TAIL = (
    b'xt":"the end"}}\n\nevent: message_delta\ndata: {"type":"message_delta","usage":'
    b'{"output_tokens":30}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
)


async def test_sec_59_what_a_stream_says_only_at_its_beginning_counts() -> None:
    """Anthropic counts the input in the first event, and the output in the last."""
    stream = {TAIL_KEY: STREAM_TAIL, HEAD_KEY: STREAM_HEAD}
    assert (await run(stream))[0] == [SETTLED]
    assert (await run({**stream, HEAD_KEY: None, ENTRY: b"{}"}))[0] == [ESTIMATED]


@pytest.mark.parametrize("tail", [TAIL, b"data: " + TAIL + b"\n\ndata: [DONE]\n\n"])
async def test_a_tail_without_a_head_is_read(tail: bytes) -> None:
    assert (await run({TAIL_KEY: tail, HEAD_KEY: None}))[0] == [SETTLED]


@pytest.mark.parametrize(
    "entry", [b"", b"{}", b"null", b"\xff", b"[" * 5000, b'{"ai":{"proxy":7}}']
)
async def test_sec_59_where_nothing_is_found_the_estimate_is_charged(entry: bytes) -> None:
    assert (await run({TAIL_KEY: None, ENTRY: entry}))[0] == [ESTIMATED]


SMALL = {"users": {"upsert": True, "defaults": {"budget": "$0.05 per day"}}}
CHAT = {
    "kong.request.get_headers": [
        (b"content-type", b"application/json"),
        (b"authorization", b"Bearer " + ann()),
    ],
    "kong.request.get_method": b"POST",
    "kong.request.get_path_with_query": b"/v1/chat/completions",
    "kong.request.get_path": b"/v1/chat/completions",
    "kong.client.get_forwarded_ip": b"",
    "kong.request.get_raw_body": chat_body(),
}


async def _call(gate: Gate, name: bytes) -> str | None:
    kong = {**CHAT, "kong.nginx.get_var": name}
    ending, _ = await play(access(Judge(gate), DOOR, "default", lambda: 1e9, BodyWaits()), kong)
    return ending.request_id if isinstance(ending, Proceed) else None


async def _log(gate: Gate, request_id: str, changes: Mapping[str, object]) -> None:
    marker = MARKER_PREFIX.encode() + request_id.encode()
    kong = {**KONG, MARKER: marker, **changes}
    for _ in range(3):  # an event may come more than once
        assert (await play(settle(gate, DOOR), kong))[0] == NOTHING_TO_DO


SILENT: Mapping[str, object] = {TAIL_KEY: None, HEAD_KEY: None, ENTRY: b"{}"}


@pytest.mark.parametrize("status", [200, 499, 502, 504])
async def test_sec_59_a_stream_without_a_usage_is_not_free(tmp_path: Path, status: int) -> None:
    """Also where what nobody reports is released, as is the default with Kong."""
    clock = ManualClock()
    kong = {"kong": {"socket": str(tmp_path / "kong.sock")}}
    async with open_gate(tmp_path, clock, doors=kong, **SMALL) as gate:
        passed = 0
        while request_id := await _call(gate, b"%d" % passed):
            await _log(gate, request_id, {**SILENT, STATUS: status})
            passed += 1
            assert passed < 10
        clock.advance(601)
        assert await _call(gate, b"later") is None
        assert passed == 4


async def test_with_real_budgets(tmp_path: Path) -> None:
    """A call is a cent at most; a settled one next to nothing, an unsettled one its estimate."""
    async with open_gate(tmp_path, **SMALL) as gate:
        for number in range(10):
            request_id = await _call(gate, b"settled %d" % number)
            assert request_id is not None
            await _log(gate, request_id, {})
        for number in range(30):
            request_id = await _call(gate, b"failed %d" % number)
            assert request_id is not None
            await _log(gate, request_id, {STATUS: 500})
        again = {await _call(gate, b"one and the same") for _ in range(30)}
        assert len(again) == 1
        left = 0
        while await _call(gate, b"unsettled %d" % left):
            left += 1
        assert left == 3
