"""The decision service, asked as a proxy asks."""

from collections.abc import Sequence
from hashlib import sha256

import pytest

from gatepass.plugin.gateways.certificates import CertificateForm, CertificateHeader
from gatepass.plugin.gateways.http_door import DecisionApp, decision_app
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState, CertificateState
from support.asgi import HANG_UP, Exchange, body_messages, exchange, http_scope
from support.doors import Bounds, ScriptedDecider

SMALL = Bounds(max_body_bytes=10, deadline_seconds=0.02)
NGINX = [(b"x-original-method", b"POST"), (b"x-original-uri", b"/v1/chat?a=b")]
FORWARDED = [(b"x-forwarded-method", b"POST"), (b"x-forwarded-uri", b"/v1/chat?a=b")]


def app_for(decider: ScriptedDecider) -> DecisionApp:
    return decision_app(decider, SMALL)


async def ask(
    decider: ScriptedDecider,
    target: bytes,
    headers: Sequence[tuple[bytes, bytes]] = (),
    *chunks: bytes,
    method: str = "GET",
) -> Exchange:
    headers = [*headers, (b"content-length", b"%d" % sum(map(len, chunks)))]
    scope = http_scope(method, target, headers)
    done = await exchange(app_for(decider), scope, body_messages(*(chunks or (b"",))))
    assert done.sent[0]["type"] == "http.response.start"
    assert done.values(b"content-length") == [b"%d" % len(done.body)]
    return done


@pytest.mark.parametrize(
    "target",
    [
        b"/v1/models",
        b"/",
        b"/v1/models?a=b&c=%2f//..",
        b"//v1//models",
        b"/v1/../models",
        b"/v1/%2e%2e/models%2fx%00",
        b"/v1/a;b",
        b"/v1/caf%C3%A9",
        b"/envoy/default/v1",
    ],
)
async def test_sec_32_envoy_is_judged_on_the_very_bytes_behind_the_profile(target: bytes) -> None:
    decider = ScriptedDecider()
    done = await ask(decider, b"/envoy/default" + target, method="DELETE")
    (request,) = decider.requests
    assert (done.status, request.method, request.target) == (200, "DELETE", target)


@pytest.mark.parametrize(
    ("path", "headers"),
    [(b"/nginx/team-a", NGINX), (b"/traefik/team-a", FORWARDED), (b"/caddy/team-a", FORWARDED)],
)
async def test_the_others_are_judged_on_their_headers(
    path: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    decider = ScriptedDecider()
    assert (await ask(decider, path, headers)).status == 200
    (request,) = decider.requests
    assert (request.method, request.target) == ("POST", b"/v1/chat?a=b")
    assert request.profile == "team-a"
    assert request.body is BodyState.NOT_SHOWN


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/envoy",
        b"/envoy/default",
        b"/nginx",
        b"/nginx/default/",
        b"/nginx/default/v1/models",
        b"/Envoy/default/v1",
        b"//envoy/default/v1",
        b"/%65nvoy/default/v1",
        b"/kong/default/v1",
        b"*",
        b"/denied/",
        b"/healthz/",
        b"/readyz/x",
    ],
)
async def test_any_other_path_is_404_and_nobody_decides(target: bytes) -> None:
    decider = ScriptedDecider()
    done = await ask(decider, target, [*NGINX, *FORWARDED])
    assert (done.status, decider.requests) == (404, [])


async def test_the_profile_is_for_the_gate_to_know() -> None:
    decider = ScriptedDecider()
    await ask(decider, b"/envoy/n\xc3\xb6/v1")
    await ask(decider, b"/envoy//v1")
    assert [request.profile for request in decider.requests] == ["n\xc3\xb6", ""]


async def test_sec_37_a_stranger_is_told_nothing() -> None:
    decider = ScriptedDecider()
    for client in (("192.0.2.1", 1), None):
        scope = http_scope("GET", b"/envoy/default/v1/models", client=client)
        done = await exchange(app_for(decider), scope)
        assert done.status == Reason.UNTRUSTED_PROXY.status == 503
        assert done.body == refuse_for(Reason.UNTRUSTED_PROXY).body
    assert decider.requests == []


async def test_sec_62_a_unix_socket_may_ask() -> None:
    scope = http_scope(target=b"/envoy/d/v1", client=None, server=("/run/gatepass.sock", None))
    assert (await exchange(app_for(ScriptedDecider()), scope)).status == 200


async def test_sec_32_forwarded_headers_twice_are_refused_not_guessed() -> None:
    decider = ScriptedDecider()
    done = await ask(decider, b"/traefik/default", [*FORWARDED, FORWARDED[1]])
    assert (done.status, decider.requests) == (400, [])
    assert b"ambiguous_path" in done.body


@pytest.mark.parametrize("chunks", [(b"0123456789",), (b"01234", b"56789")])
async def test_a_shown_body_is_judged_whole(chunks: tuple[bytes, ...]) -> None:
    decider = ScriptedDecider()
    await ask(decider, b"/envoy/default/v1/chat", [], *chunks, method="POST")
    assert decider.requests[0].body == b"0123456789"


async def test_a_body_above_the_limit_is_not_read_to_its_end() -> None:
    decider = ScriptedDecider()
    scope = http_scope("POST", b"/envoy/d/v1", [(b"transfer-encoding", b"chunked")])
    done = await exchange(app_for(decider), scope, body_messages(*[b"01234567"] * 99))
    assert decider.requests[0].body is BodyState.TOO_LARGE
    assert (done.status, done.taken) == (200, 2)


async def test_a_body_that_does_not_come_ends_at_the_deadline() -> None:
    decider = ScriptedDecider()
    scope = http_scope("POST", b"/envoy/d/v1", [(b"content-length", b"5")])
    done = await exchange(app_for(decider), scope, [])
    assert done.body == refuse_for(Reason.DEADLINE).body
    assert (done.status, decider.requests) == (503, [])


async def test_who_hangs_up_gets_no_answer_and_no_decision() -> None:
    decider = ScriptedDecider()
    scope = http_scope("POST", b"/envoy/d/v1", [(b"content-length", b"5")])
    done = await exchange(app_for(decider), scope, [HANG_UP])
    assert (done.sent, decider.requests) == ([], [])


async def test_nginx_and_caddy_bodies_are_never_waited_for() -> None:
    for path, headers in ((b"/nginx/d", NGINX), (b"/caddy/d", FORWARDED)):
        scope = http_scope("GET", path, [*headers, (b"content-length", b"5")])
        assert (await exchange(app_for(ScriptedDecider()), scope, [])).status == 200


async def test_sec_41_a_gate_that_hangs_is_a_503() -> None:
    done = await ask(ScriptedDecider(answer=None), b"/envoy/default/v1")
    assert (done.status, done.body) == (503, refuse_for(Reason.DEADLINE).body)


@pytest.mark.parametrize("warm", [True, False])
async def test_sec_41_a_gate_that_breaks_is_a_counted_503(*, warm: bool) -> None:
    app = app_for(ScriptedDecider(answer=LookupError("canary"), warm=warm))
    done = await exchange(app, http_scope(target=b"/envoy/default/v1"))
    assert (done.status, done.body) == (503, refuse_for(Reason.INTERNAL).body)
    assert app.faults == 1


async def test_a_timeout_inside_the_gate_is_a_refusal_too() -> None:
    app = app_for(ScriptedDecider(answer=TimeoutError(), warm=False))
    assert (await exchange(app, http_scope(target=b"/envoy/default/v1"))).status == 503


@pytest.mark.parametrize("reason", [Reason.NO_TOKEN, Reason.BUDGET_EXCEEDED, Reason.STORE_ERROR])
async def test_a_refusal_comes_with_its_body(reason: Reason) -> None:
    refusal = refuse_for(reason, 5)
    app = app_for(ScriptedDecider(answer=refusal))
    done = await exchange(app, http_scope(target=b"/envoy/default/v1"))
    assert (done.status, done.body) == (reason.status, refusal.body)
    assert app.faults == 0


async def test_nginx_is_answered_in_its_own_words() -> None:
    decider = ScriptedDecider(answer=refuse_for(Reason.BUDGET_EXCEEDED, 5))
    done = await ask(decider, b"/nginx/default", NGINX)
    assert done.status == 403
    assert done.values(b"x-gatepass-code") == [b"budget_exceeded"]
    assert done.values(b"x-gatepass-retry-after") == [b"5"]


async def test_a_websocket_scope_is_not_a_question() -> None:
    scope = {**http_scope(target=b"/envoy/default/v1"), "type": "websocket", "subprotocols": []}
    decider = ScriptedDecider()
    done = await exchange(app_for(decider), scope, [{"type": "websocket.connect"}])
    assert [message["type"] for message in done.sent] == ["websocket.close"]
    assert decider.requests == []


SHOWN = CertificateHeader(b"x-client-cert", CertificateForm.RFC9440)
CERTIFICATE = b":Y2VydGlmaWNhdGU=:"


@pytest.mark.parametrize("path", [b"/envoy/default/v1", b"/nginx/default", b"/traefik/default"])
@pytest.mark.parametrize(
    ("shown", "known"),
    [
        ([(b"x-client-cert", CERTIFICATE)], sha256(b"certificate").digest()),
        ([(b"x-client-cert", b"")], CertificateState.NONE),
        ([], CertificateState.NONE),
    ],
)
async def test_sec_44_a_proxys_certificate_is_taken_out_of_the_clients_headers(
    path: bytes, shown: list[tuple[bytes, bytes]], known: bytes | CertificateState
) -> None:
    decider = ScriptedDecider()
    app = decision_app(decider, Bounds(client_certificate=SHOWN))
    done = await exchange(app, http_scope("GET", path, [*NGINX, *FORWARDED, *shown]))
    assert done.status == 200
    (request,) = decider.requests
    assert request.client_certificate == known
    assert b"x-client-cert" not in dict(request.headers)


async def test_sec_37_44_a_certificate_is_believed_only_where_the_settings_say_so() -> None:
    decider = ScriptedDecider()
    shown = [(b"x-client-cert", CERTIFICATE)]
    await ask(decider, b"/envoy/default/v1", shown)
    assert decider.requests[0].client_certificate is CertificateState.NOT_SHOWN
    app = decision_app(decider, Bounds(client_certificate=SHOWN))
    foreign = http_scope(target=b"/envoy/default/v1", headers=shown, client=("192.0.2.9", 1))
    assert (await exchange(app, foreign)).status == 503
    for unclear in (shown * 2, [(b"x-client-cert", b"certificate")]):
        scope = http_scope(target=b"/envoy/default/v1", headers=unclear)
        done = await exchange(app, scope)
        assert b"gateway_error" in done.body
    assert len(decider.requests) == 1
    assert app.faults == 0
