"""One of APISIX's connections, call by call, without a socket: what goes well."""

from pathlib import Path

import pytest

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.apisix.names import REQUEST_ID
from gatepass.plugin.gateways.apisix.tokens import conf_token
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState
from support.apisix.messages import (
    BAD_REQUEST,
    ERROR,
    TOKEN_NOT_FOUND,
    Message,
    Prepare,
    Prepared,
    RequestAnswer,
    encode,
    frame,
)
from support.apisix_calls import (
    DEFAULT,
    HEADERS,
    TARGET,
    Line,
    asked_in,
    call,
    code_in,
    extra,
    frames_in,
    lets_through,
    new_calls,
    prepare,
    refused,
    response_call,
    response_in,
    rewrite_in,
    said_in,
)
from support.doors import ScriptedDecider
from support.gates import ann, chat, chat_body, decide, open_gate
from support.kong_events import Books, WantsBody, settled

PATH = b"real_request_uri"


def kinds_in(line: Line) -> list[int]:
    return [kind for kind, _ in frames_in(line.wire.taken())]


def user_in(said: list[Message]) -> bytes | None:
    return dict(rewrite_in(said).headers).get(b"x-user-id")


async def test_a_configuration_is_prepared() -> None:
    line = Line(new_calls())
    assert line.say(prepare()) == [Prepared(DEFAULT)]
    assert asked_in(line.say(call())) == PATH
    assert not line.wire.closed


@pytest.mark.parametrize("number", [0, 1, 2**22, 2**32 - 1])
async def test_0e_an_allowed_request_of_any_id(number: int) -> None:
    decider = ScriptedDecider()
    line = Line(new_calls(decider))
    assert asked_in(line.say(call(number=number))) == PATH
    said = line.say(extra(TARGET))
    assert (REQUEST_ID, b"r-1") in rewrite_in(said).headers
    assert isinstance(said[0], RequestAnswer)
    assert said[0].id == number
    assert decider.requests[0].headers == list(HEADERS)
    assert not line.wire.closed
    assert line.connection._calls.due == {}
    assert line.connection._calls.deciding == 0


@pytest.mark.parametrize("number", [0, 2**32 - 1])
async def test_0e_a_refused_request_of_any_id(number: int) -> None:
    line = Line(new_calls(ScriptedDecider(refuse_for(Reason.NO_TOKEN))))
    said = line.ask(TARGET, frame=call(number=number))
    assert refused(said) is Reason.NO_TOKEN
    assert isinstance(said[0], RequestAnswer)
    assert said[0].id == number
    assert asked_in(line.say(call())) == PATH


async def test_0c_what_a_client_may_not_send_goes_in_every_spelling() -> None:
    ours = frozenset({b"x-user-id"})
    allow = Allow("r-1", None, ((b"x-user-id", b"ann"),), ours)
    line = Line(new_calls(ScriptedDecider(allow)))
    headers = rewrite_in(line.ask(TARGET)).headers
    assert user_in(line.ask(TARGET)) == b"ann"
    gone = {name for name, value in headers if value is None}
    assert {b"x_user_id", b"x_user-id", b"x-user_id"} <= gone
    assert b"x-user-id" not in gone


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 100])
async def test_however_the_stream_is_cut(size: int) -> None:
    decider = WantsBody()
    line = Line(new_calls(decider))
    stream = prepare() + call() + extra(TARGET) + extra(b"{}") + call()
    for at in range(0, len(stream), size):
        line.connection.data_received(stream[at : at + size])
    assert kinds_in(line) == [1, 3, 3, 2, 3]
    assert [request.body for request in decider.requests] == [BodyState.NOT_READ, b"{}"]


@pytest.mark.parametrize("body", [b"{}", b"x" * 100_000])
async def test_a_body_is_asked_for(body: bytes) -> None:
    decider = WantsBody()
    line = Line(new_calls(decider))
    line.say(call())
    assert asked_in(line.say(extra(TARGET))) is None
    assert rewrite_in(line.say(extra(body)))
    assert decider.requests[-1].body == body


async def test_0g_where_there_is_no_body_the_protocol_is_asked_for() -> None:
    decider = WantsBody()
    line = Line(new_calls(decider))
    frame_without_length = call([(b"host", b"h")])
    assert asked_in(line.ask(TARGET, None, frame=frame_without_length)) == b"server_protocol"
    assert rewrite_in(line.say(extra(b"HTTP/1.1")))
    assert decider.requests[-1].body == b""


async def test_a_decision_that_takes_time() -> None:
    books = Books()
    line = Line(new_calls(ScriptedDecider(warm=False), books))
    assert line.ask(TARGET) == []
    await settled()
    assert rewrite_in(line.heard())
    assert asked_in(line.say(call())) == PATH
    assert books.done == []


async def test_the_same_line_serves_calls_of_every_kind_in_turn() -> None:
    line = Line(new_calls(ScriptedDecider()))
    for number in range(50):
        assert line.say(prepare()) == [Prepared(DEFAULT)]
        assert rewrite_in(line.ask(TARGET, frame=call(number=number)))
        assert asked_in(line.say(response_call(number=number))) == b"request_method"
        assert response_in(line.say(extra(b"POST"))).id == number
        assert code_in(line.say(call(token=4711))) == TOKEN_NOT_FOUND
    assert not line.wire.closed
    assert line.connection._calls.due == {}


# -- tokens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [0, 1, 4711, 2**32 - 1])
async def test_a_token_that_nobody_was_given_makes_apisix_prepare_anew(token: int) -> None:
    decider = ScriptedDecider()
    line = Line(new_calls(decider))
    assert code_in(line.say(call(token=token))) == TOKEN_NOT_FOUND
    assert decider.requests == []
    assert not line.wire.closed
    assert rewrite_in(line.ask(TARGET))


async def test_sec_39_a_token_leads_to_its_own_profile() -> None:
    decider = ScriptedDecider()
    line = Line(new_calls(decider, profiles=("default", "team-a")))
    for profile in ("default", "team-a", "default"):
        line.ask(TARGET, frame=call(token=conf_token(profile)))
        assert decider.requests[-1].profile == profile


@pytest.mark.parametrize(
    "conf",
    [
        prepare(b"{}"),
        prepare(b'{"profile":"missing"}'),
        prepare(None),
        prepare(name=b"other"),
        frame(1, encode(Prepare())),
        frame(1, b""),
        frame(1, b"\xff" * 40),
    ],
)
async def test_0a_a_configuration_that_is_refused_gets_an_error(conf: bytes) -> None:
    line = Line(new_calls())
    line.connection.data_received(conf)
    ((kind, _),) = frames_in(bytes(line.wire.written))
    assert kind == ERROR
    assert said_in(bytes(line.wire.written)) != []
    assert not line.wire.closed


async def test_two_profiles_with_one_token_are_both_refused() -> None:
    calls = new_calls(profiles=("p964", "p3959"))
    line = Line(calls)
    for name in ("p964", "p3959"):
        text = b'{"profile":"%s"}' % name.encode()
        assert code_in(line.say(prepare(text))) == BAD_REQUEST
        assert code_in(line.say(call(token=conf_token(name)))) == TOKEN_NOT_FOUND


# -- with a real Gate --------------------------------------------------------------------------


async def test_through_a_real_gate(tmp_path: Path) -> None:
    bearer = [
        (b"content-type", b"application/json"),
        (b"authorization", b"Bearer " + ann()),
        (b"x_gatepass_user", b"root"),
    ]
    async with open_gate(tmp_path) as gate:
        line = Line(new_calls(gate, gate))
        assert refused(line.ask(TARGET)) is Reason.MALFORMED
        await decide(gate, chat(body=BodyState.NOT_SHOWN))  # looks the caller up
        assert asked_in(line.ask(TARGET, frame=call(bearer))) is None
        headers = dict(rewrite_in(line.say(extra(chat_body()))).headers)
        assert headers[b"x-gatepass-user"] == b"ann"
        assert headers[b"x_gatepass_user"] is headers[b"authorization"] is None
        denied = line.ask(TARGET, chat_body(model=7), frame=call(bearer))
        assert refused(denied) is Reason.MODEL_DENIED


async def test_an_allow_would_be_noticed() -> None:
    """By what other tests look for."""
    line = Line(new_calls())
    line.connection.data_received(call() + extra(TARGET))
    assert lets_through(bytes(line.wire.written))
    assert lets_through(frame(2, encode(RequestAnswer())))
    assert lets_through(frame(9, b""))
    assert not lets_through(frame(0, b"") + frame(1, b"") + frame(3, b"") + frame(4, b""))
