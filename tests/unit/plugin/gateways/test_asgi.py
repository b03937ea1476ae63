"""The middleware in front of a Python service."""

import pytest
from starlette.types import Message, Receive, Scope, Send

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.asgi import STATE_KEY, GatepassMiddleware
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState
from support.asgi import HANG_UP, Exchange, body_messages, exchange, http_scope
from support.doors import ScriptedDecider

ALICE = Allow(
    "r-1",
    None,
    ((b"x-gatepass-user", b"alice"),),
    frozenset({b"x-gatepass-user", b"x-gatepass-team-id", b"authorization"}),
)


class Service:
    """Notes what reaches it and reads the body to its end."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.messages: list[Message] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        more = scope["type"] == "http"
        while more:
            self.messages.append(await receive())
            more = self.messages[-1].get("more_body", False)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


def guarded(decider: ScriptedDecider) -> tuple[Service, GatepassMiddleware]:
    service = Service()
    gate = GatepassMiddleware(
        service,
        decider,
        profile="team-a",
        max_body_bytes=10,
        deadline_seconds=0.02,
        body_seconds=0.02,
    )
    return service, gate


async def ask(decider: ScriptedDecider, scope: Scope, *chunks: bytes) -> tuple[Service, Exchange]:
    service, gate = guarded(decider)
    done = await exchange(gate, scope, body_messages(*(chunks or (b"",))))
    assert gate.faults == 0
    return service, done


async def test_an_allowed_request_reaches_the_service_with_its_headers_changed() -> None:
    client = [
        (b"Authorization", b"Bearer x"),
        (b"X_Gatepass_User", b"admin"),
        (b"x-gatepass-user", b"admin"),
        (b"X-Gatepass-Team-Id", b"admins"),
        (b"accept", b"*/*"),
    ]
    scope = http_scope("POST", b"/v1/chat?a=%2f", client)
    service, done = await ask(ScriptedDecider(answer=ALICE), scope, b"0123", b"456789")
    assert done.status == 204
    (seen,) = service.scopes
    assert seen["headers"] == [
        (b"accept", b"*/*"),
        (b"x-gatepass-user", b"alice"),
        (b"x-gatepass-request", ALICE.request_id.encode()),
    ]
    assert seen["state"][STATE_KEY] is ALICE
    assert service.body == b"0123456789"
    assert scope["headers"] == client
    assert scope["state"] == {}


async def test_the_gate_sees_the_request_as_it_came() -> None:
    decider = ScriptedDecider()
    scope = http_scope("POST", b"/v1/ch%61t?a=%2f", [(b"x-forwarded-for", b"6.6.6.6")])
    await ask(decider, scope, b"{}")
    (request,) = decider.requests
    assert (request.method, request.target, request.body) == ("POST", b"/v1/ch%61t?a=%2f", b"{}")
    assert request.profile == "team-a"
    assert request.can_remove_headers


async def test_an_empty_body_is_empty_here_because_nothing_is_hidden() -> None:
    decider = ScriptedDecider()
    await ask(decider, http_scope("POST", b"/v1/chat"))
    assert decider.requests[0].body == b""


@pytest.mark.parametrize("reason", [Reason.NO_TOKEN, Reason.MODEL_DENIED, Reason.STORE_ERROR])
async def test_a_refused_request_does_not_reach_the_service(reason: Reason) -> None:
    refusal = refuse_for(reason)
    service, done = await ask(ScriptedDecider(answer=refusal), http_scope(target=b"/v1"))
    assert service.scopes == []
    assert (done.status, done.body) == (reason.status, refusal.body)
    assert done.values(b"content-length") == [b"%d" % len(refusal.body)]
    assert set(refusal.response_headers) <= set(done.headers)


async def test_a_body_above_the_limit_still_arrives_whole_if_it_may() -> None:
    decider = ScriptedDecider()
    service, _ = await ask(decider, http_scope("POST", b"/v1/files"), *[b"01234567"] * 5)
    assert decider.requests[0].body is BodyState.TOO_LARGE
    assert service.body == b"01234567" * 5


@pytest.mark.parametrize(
    "change",
    [
        {"raw_path": b"/v1/other"},
        {"raw_path": b""},
        {"raw_path": None},
        {"path": "/v1/admin"},
        {"raw_path": b"/v1/models%2fx"},
    ],
)
async def test_sec_32_a_path_that_was_rewritten_on_the_way_is_refused(
    change: dict[str, object],
) -> None:
    decider = ScriptedDecider()
    service, done = await ask(decider, {**http_scope(target=b"/v1/models"), **change})
    assert (done.status, service.scopes, decider.requests) == (400, [], [])
    assert b"ambiguous_path" in done.body


async def test_sec_32_a_server_without_raw_path_is_refused() -> None:
    scope = http_scope(target=b"/v1/models")
    del scope["raw_path"]
    service, done = await ask(ScriptedDecider(), scope)
    assert (done.status, service.scopes) == (400, [])


@pytest.mark.parametrize("target", [b"/caf%C3%A9", b"/a%20b", b"/%FF", b"/a;b"])
async def test_an_encoded_path_is_the_same_path(target: bytes) -> None:
    decider = ScriptedDecider()
    service, done = await ask(decider, http_scope(target=target))
    assert (done.status, decider.requests[0].target, len(service.scopes)) == (204, target, 1)


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    service, gate = guarded(ScriptedDecider())
    done = await exchange(gate, http_scope("POST", b"/v1"), [])
    assert (done.status, service.scopes) == (503, [])


async def test_who_hangs_up_reaches_nobody() -> None:
    service, gate = guarded(ScriptedDecider())
    done = await exchange(gate, http_scope("POST", b"/v1"), [HANG_UP])
    assert (done.sent, service.scopes) == ([], [])


@pytest.mark.parametrize(("answer", "faults"), [(None, 0), (LookupError(), 1)])
async def test_sec_41_a_gate_that_hangs_or_breaks_is_a_503(
    answer: Exception | None, faults: int
) -> None:
    service, gate = guarded(ScriptedDecider(answer=answer))
    done = await exchange(gate, http_scope(target=b"/v1"))
    assert (done.status, service.scopes, gate.faults) == (503, [], faults)


async def test_a_websocket_is_refused_with_a_response_where_that_is_possible() -> None:
    service, gate = guarded(ScriptedDecider())
    scope = {
        **http_scope(target=b"/v1/realtime"),
        "type": "websocket",
        "extensions": {"websocket.http.response": {}},
    }
    done = await exchange(gate, scope, [{"type": "websocket.connect"}])
    assert [message["type"] for message in done.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert (done.status, service.scopes) == (403, [])


async def test_a_websocket_is_closed_before_its_handshake_elsewhere() -> None:
    service, gate = guarded(ScriptedDecider())
    scope = {**http_scope(target=b"/v1/realtime"), "type": "websocket"}
    done = await exchange(gate, scope, [{"type": "websocket.connect"}])
    assert done.sent == [{"type": "websocket.close", "code": 1008}]
    assert service.scopes == []


async def test_lifespan_events_pass() -> None:
    service, gate = guarded(ScriptedDecider())
    await exchange(gate, {"type": "lifespan"}, [])
    assert service.scopes == [{"type": "lifespan"}]


async def test_a_kind_of_scope_that_nobody_judges_never_reaches_the_service() -> None:
    service, gate = guarded(ScriptedDecider())
    with pytest.raises(ValueError, match="scope"):
        await exchange(gate, {"type": "webtransport"}, [])
    assert service.scopes == []
