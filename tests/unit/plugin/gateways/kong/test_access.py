"""The access phase, question by question: what is asked, when, and what the Gate is shown."""

import asyncio
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from gatepass.plugin.decision import Decision
from gatepass.plugin.gateways.body_waits import BodyWaits
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.gateways.kong.access import access
from gatepass.plugin.gateways.kong.calls import Proceed, SpooledBody
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState, CertificateState, Request
from support.doors import PASS, ScriptedDecider
from support.kong_access import BODY, HEAD, KONG, QUICK, refused, run
from support.kong_events import WantsBody, play

PEM = b"-----BEGIN CERTIFICATE-----\nY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"


async def test_sec_32_the_gate_sees_what_kong_says_and_no_more() -> None:
    decider = ScriptedDecider()
    ending, asked = await run(decider, QUICK)
    assert isinstance(ending, Proceed)
    assert asked == HEAD
    assert decider.requests == [
        Request(
            method="POST",
            target=b"/v1/chat/completions?x=%2f",
            headers=[(b"host", b"h"), (b"x-a", b"\xff\xfe"), (b"x-a", b"2")],
            body=BodyState.NOT_READ,
            headers_complete=True,
            profile="team-a",
            can_remove_headers=True,
            gateway_request_id="5f0e",
            client_address="192.0.2.7",
        )
    ]


async def test_what_kong_does_not_know_is_none() -> None:
    decider = ScriptedDecider()
    changed = {**KONG, "kong.nginx.get_var request_id": b"", "kong.client.get_forwarded_ip": b""}
    await play(access(Judge(decider), QUICK, "p", lambda: 0.0, BodyWaits()), changed)
    assert decider.requests[0].gateway_request_id is None
    assert decider.requests[0].client_address is None


@pytest.mark.parametrize(("number", "complete"), [(999, True), (1000, False)])
async def test_a_list_of_a_thousand_headers_may_have_been_cut(
    number: int, *, complete: bool
) -> None:
    decider = ScriptedDecider()
    await run(decider, QUICK, get_headers=[(b"h%d" % one, b"") for one in range(number)])
    assert decider.requests[0].headers_complete is complete


async def test_sec_32_33_a_path_of_two_readings_never_reaches_the_gate() -> None:
    decider = ScriptedDecider()
    ending, _ = await run(decider, QUICK, get_path_with_query=b"/public/../v1/chat/completions")
    assert refused(ending) is Reason.AMBIGUOUS_PATH
    assert decider.requests == []


@pytest.mark.parametrize("method", [b"", b"get", b"\xff", b"POST\r\n"])
async def test_sec_38_a_method_is_shown_as_it_came(method: bytes) -> None:
    decider = ScriptedDecider()
    await run(decider, QUICK, get_method=method)
    assert decider.requests[0].method == method.decode("latin-1")


async def test_a_refusal_needs_no_body() -> None:
    for reason in (Reason.NO_TOKEN, Reason.ROUTE_DENIED, Reason.HEADERS_CUT, Reason.STORE_ERROR):
        ending, asked = await run(ScriptedDecider(answer=refuse_for(reason)), QUICK)
        assert refused(ending) is reason
        assert asked == HEAD


@pytest.mark.parametrize("warm", [True, False])
async def test_a_body_that_matters_is_asked_for_once(*, warm: bool) -> None:
    decider = WantsBody(warm=warm)
    ending, asked = await run(decider, QUICK)
    assert isinstance(ending, Proceed)
    assert asked == [*HEAD, BODY]
    assert [request.body for request in decider.requests] == [BodyState.NOT_READ, b"{}"]
    first, second = decider.requests
    assert (first.headers, first.gateway_request_id) == (second.headers, second.gateway_request_id)


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (b"", b""),
        (b"x" * 1000, b"x" * 1000),
        (b"x" * 1001, BodyState.TOO_LARGE),
        (BodyState.TOO_LARGE, BodyState.TOO_LARGE),
    ],
)
async def test_a_body_is_shown_up_to_the_limit(body: object, seen: object) -> None:
    decider = WantsBody()
    await run(decider, QUICK, get_raw_body=body)
    assert decider.requests[-1].body == seen


async def test_a_gate_that_is_never_content_is_asked_twice_and_no_more() -> None:
    decider = ScriptedDecider(answer=refuse_for(Reason.BODY_NOT_SHOWN))
    ending, asked = await run(decider, QUICK)
    assert refused(ending) is Reason.BODY_NOT_SHOWN
    assert asked == [*HEAD, BODY]
    assert len(decider.requests) == 2


@pytest.mark.parametrize(
    ("length", "asks"),
    [
        ((b"content-length", b"1001"), False),
        ((b"content-length", b"1000"), True),
        ((b"content-length", b"0"), True),
        ((b"content-length", b"9" * 19), False),
        ((b"content-length", b"-1"), True),
        ((b"content-length", b" 1001"), True),
        ((b"content-length", b"\xb2"), True),
        ((b"x-content-length", b"1001"), True),
        ((b"transfer-encoding", b"chunked"), True),
    ],
)
async def test_an_announced_length_above_the_limit_is_not_waited_for(
    length: Header, *, asks: bool
) -> None:
    decider = WantsBody()
    _, asked = await run(decider, QUICK, get_headers=[(b"host", b"h"), length])
    assert (asked == [*HEAD, BODY]) is asks
    if not asks:
        assert decider.requests[-1].body is BodyState.TOO_LARGE


async def test_an_announced_length_beyond_measure_is_not_waited_for() -> None:
    _, asked = await run(WantsBody(), QUICK, get_headers=[(b"content-length", b"9" * 20)])
    assert asked == HEAD


async def test_a_body_in_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "1").write_bytes(b"x" * 1000)
    decider = WantsBody()
    for size, seen in ((1000, b"x" * 1000), (1001, BodyState.TOO_LARGE)):
        (tmp_path / "1").write_bytes(b"x" * size)
        await run(decider, QUICK, get_raw_body=SpooledBody(bytes(tmp_path / "1")))
        assert decider.requests[-1].body == seen


async def test_sec_41_a_file_that_cannot_be_read_is_a_refusal(tmp_path: Path) -> None:
    decider = WantsBody()
    ending, _ = await run(decider, QUICK, get_raw_body=SpooledBody(bytes(tmp_path / "gone")))
    assert refused(ending) is Reason.GATEWAY_ERROR
    assert len(decider.requests) == 1


@pytest.mark.parametrize("decider", [ScriptedDecider(answer=None), ScriptedDecider(warm=False)])
async def test_what_cannot_be_answered_at_once_is_waited_for(decider: ScriptedDecider) -> None:
    ending, _ = await run(decider, QUICK)
    if decider.answer is PASS:
        assert isinstance(ending, Proceed)
    else:
        assert refused(ending) is Reason.DEADLINE
    assert len(decider.requests) == 1


async def test_sec_41_the_deadline_starts_anew_with_the_body() -> None:
    class SlowThere(WantsBody):
        async def decide(self, request: Request) -> Decision:
            if request.body is not BodyState.NOT_READ:
                await asyncio.Event().wait()
            return await super().decide(request)

    ending, asked = await run(SlowThere(warm=False), QUICK)
    assert asked[-1] == BODY
    assert refused(ending) is Reason.DEADLINE


async def test_an_exception_is_left_to_the_connection() -> None:
    with pytest.raises(LookupError):
        await run(ScriptedDecider(answer=LookupError()), QUICK)


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (b"", CertificateState.NONE),
        (PEM, sha256(b"certificate").digest()),
        (PEM.replace(b"\n", b"%0A").replace(b" ", b"%20"), sha256(b"certificate").digest()),
    ],
)
async def test_the_clients_certificate_is_asked_for_where_an_issuer_wants_it(
    said: bytes, known: object
) -> None:
    decider = ScriptedDecider()
    door = replace(QUICK, certificates=True)
    kong = {**KONG, "kong.nginx.get_var ssl_client_escaped_cert": said}
    ending, asked = await play(access(Judge(decider), door, "p", lambda: 0.0, BodyWaits()), kong)
    assert isinstance(ending, Proceed)
    assert asked[-1] == ("kong.nginx.get_var", b"ssl_client_escaped_cert")
    assert decider.requests[0].client_certificate == known
    await run(decider, QUICK)
    assert decider.requests[1].client_certificate is CertificateState.NOT_SHOWN


async def test_a_certificate_that_cannot_be_read_is_refused() -> None:
    decider = ScriptedDecider()
    door = replace(QUICK, certificates=True)
    kong = {**KONG, "kong.nginx.get_var ssl_client_escaped_cert": b"x"}
    ending, _ = await play(access(Judge(decider), door, "p", lambda: 0.0, BodyWaits()), kong)
    assert refused(ending) is Reason.GATEWAY_ERROR
    assert decider.requests == []
