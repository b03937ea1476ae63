"""A request, question by question: what is asked, when, and what the Gate is shown."""

import asyncio
from dataclasses import replace
from hashlib import sha256

import pytest

from gatepass.plugin.decision import Decision
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.gateways.apisix.access import access
from gatepass.plugin.gateways.apisix.messages import HttpReqCall
from gatepass.plugin.gateways.apisix.questions import (
    CLIENT_CERTIFICATE,
    REAL_REQUEST_URI,
    Conversation,
    Rewrite,
)
from gatepass.plugin.gateways.body_waits import BodyWaits
from gatepass.plugin.gateways.decider import Judge
from gatepass.plugin.headers import Header
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from gatepass.plugin.request import BodyState, CertificateState, Request
from support.apisix_access import BODY, CHUNKED, HEADERS, PATH, PROTOCOL, QUICK, refused, run
from support.apisix_calls import TARGET, Told
from support.doors import PASS, ScriptedDecider
from support.kong_events import WantsBody

PEM = b"-----BEGIN CERTIFICATE-----\nY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n"


async def test_sec_32_the_gate_sees_what_apisix_says_and_no_more() -> None:
    decider = ScriptedDecider()
    ending, asked = await run(decider, Told(TARGET + b"?x=%2f"))
    assert isinstance(ending, Rewrite)
    assert asked == [PATH]
    assert decider.requests == [
        Request(
            method="POST",
            target=TARGET + b"?x=%2f",
            headers=list(HEADERS),
            body=BodyState.NOT_READ,
            headers_complete=True,
            profile="team-a",
            can_remove_headers=True,
            gateway_request_id=None,
            client_address="192.0.2.7",
        )
    ]


async def test_a_header_without_a_value_is_one_with_an_empty_value() -> None:
    decider = ScriptedDecider()
    await run(decider, headers=[(b"x-flag", None)])
    assert decider.requests[0].headers == [(b"x-flag", b"")]


@pytest.mark.parametrize(
    ("octets", "address"),
    [
        (bytes((192, 0, 2, 7)), "192.0.2.7"),
        (bytes.fromhex("20010db8000000000000000000000001"), "2001:db8::1"),
        (b"", None),
        (b"\x01", None),
        (bytes(17), None),
    ],
)
async def test_the_clients_address(octets: bytes, address: str | None) -> None:
    decider = ScriptedDecider()
    await run(decider, source_ip=octets)
    assert decider.requests[0].client_address == address


@pytest.mark.parametrize(("number", "complete"), [(99, True), (100, False), (101, False)])
async def test_0d_a_list_of_a_hundred_headers_may_have_been_cut(
    number: int, *, complete: bool
) -> None:
    decider = ScriptedDecider()
    await run(decider, headers=[(b"h%d" % one, b"") for one in range(number)])
    assert decider.requests[0].headers_complete is complete


@pytest.mark.parametrize("target", [None, b"", b"/public/..%2fv1", TARGET + b"#f", b"/" + TARGET])
async def test_sec_32_33_a_path_of_two_readings_never_reaches_the_gate(
    target: bytes | None,
) -> None:
    decider = ScriptedDecider()
    ending, asked = await run(decider, Told(target))
    assert refused(ending) is Reason.AMBIGUOUS_PATH
    assert decider.requests == []
    assert asked == [PATH]


async def test_a_refusal_needs_no_body() -> None:
    for reason in (Reason.NO_TOKEN, Reason.ROUTE_DENIED, Reason.HEADERS_CUT, Reason.STORE_ERROR):
        ending, asked = await run(ScriptedDecider(refuse_for(reason)))
        assert refused(ending) is reason
        assert asked == [PATH]


@pytest.mark.parametrize("warm", [True, False])
async def test_a_body_that_matters_is_asked_for_once(*, warm: bool) -> None:
    decider = WantsBody(warm=warm)
    ending, asked = await run(decider)
    assert isinstance(ending, Rewrite)
    assert asked == [PATH, BODY]
    assert [request.body for request in decider.requests] == [BodyState.NOT_READ, b"{}"]
    first, second = decider.requests
    assert (first.headers, first.target) == (second.headers, second.target)


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (b"x", b"x"),
        (b"x" * 1000, b"x" * 1000),
        (b"x" * 1001, BodyState.TOO_LARGE),
        (BodyState.TOO_LARGE, BodyState.TOO_LARGE),
    ],
)
async def test_a_body_is_shown_up_to_the_limit(body: object, seen: object) -> None:
    decider = WantsBody()
    await run(decider, Told(body=body))
    assert decider.requests[-1].body == seen


LENGTH_0 = (b"content-length", b"0")
LENGTH_5 = (b"content-length", b"5")


@pytest.mark.parametrize("body", [None, b""])
@pytest.mark.parametrize(
    ("headers", "protocol", "seen"),
    [
        ([], b"HTTP/1.1", b""),
        ([], b"HTTP/1.0", b""),
        ([LENGTH_0], b"HTTP/1.1", b""),
        ([LENGTH_0], b"HTTP/2.0", b""),
        ([], b"HTTP/2.0", BodyState.NOT_SHOWN),
        ([], b"HTTP/3.0", BodyState.NOT_SHOWN),
        ([], None, BodyState.NOT_SHOWN),
        ([], b"", BodyState.NOT_SHOWN),
        ([LENGTH_5], b"HTTP/1.1", BodyState.NOT_SHOWN),
        ([LENGTH_5], b"HTTP/2.0", BodyState.NOT_SHOWN),
        ([CHUNKED], b"HTTP/1.1", BodyState.NOT_SHOWN),
        ([LENGTH_0, CHUNKED], b"HTTP/1.1", BodyState.NOT_SHOWN),
        ([CHUNKED, LENGTH_0], b"HTTP/1.1", BodyState.NOT_SHOWN),
    ],
)
async def test_0g_nothing_is_an_empty_body_only_where_none_could_be(
    body: bytes | None, headers: list[Header], protocol: bytes | None, seen: object
) -> None:
    """Over HTTP/2 APISIX before 3.17 shows nothing of a body without a length, and sends it on."""
    decider = WantsBody()
    told = Told(body=body, protocol=protocol)
    _, asked = await run(decider, told, [(b"host", b"h"), *headers])
    assert decider.requests[-1].body == seen
    assert asked[:2] == [PATH, BODY]
    assert asked[2:] in ([], [PROTOCOL])


async def test_a_body_that_was_shown_needs_no_protocol() -> None:
    decider = WantsBody()
    _, asked = await run(decider, Told(protocol=b"HTTP/2.0"))
    assert asked == [PATH, BODY]
    assert decider.requests[-1].body == b"{}"


async def test_a_gate_that_is_never_content_is_asked_twice_and_no_more() -> None:
    decider = ScriptedDecider(refuse_for(Reason.BODY_NOT_SHOWN))
    ending, asked = await run(decider)
    assert refused(ending) is Reason.BODY_NOT_SHOWN
    assert asked == [PATH, BODY]
    assert len(decider.requests) == 2


@pytest.mark.parametrize(
    ("length", "asks"),
    [
        ((b"content-length", b"1001"), False),
        ((b"content-length", b"1000"), True),
        ((b"content-length", b"0"), True),
        ((b"content-length", b"9" * 19), False),
        ((b"content-length", b"9" * 5000), False),
        ((b"content-length", b"-1"), True),
        ((b"content-length", b" 1001"), True),
        ((b"content-length", b"\xb2"), True),
        ((b"x-content-length", b"1001"), True),
        ((b"transfer-encoding", b"chunked"), True),
    ],
)
async def test_an_announced_length_above_the_limit_is_not_asked_for(
    length: Header, *, asks: bool
) -> None:
    """Of more than 16 MB APISIX cannot tell at all, and fails."""
    decider = WantsBody()
    _, asked = await run(decider, headers=[(b"host", b"h"), length])
    assert (BODY in asked) is asks
    if not asks:
        assert decider.requests[-1].body is BodyState.TOO_LARGE


async def test_sec_41_one_caller_cannot_wait_for_every_body() -> None:
    waits = BodyWaits(in_all=1)
    assert waits.enter(("", ""))
    ending, asked = await run(WantsBody(), waits=waits)
    assert refused(ending) is Reason.OVERLOADED
    assert asked == [PATH]
    waits.leave(("", ""))
    for _ in range(3):  # whoever has its body waits no longer
        assert isinstance((await run(WantsBody(), waits=waits))[0], Rewrite)


async def test_sec_41_a_call_that_is_left_waits_no_longer() -> None:
    waits = BodyWaits(in_all=1)
    call = HttpReqCall(0, b"", "POST", TARGET, [], 1)
    conversation = access(Judge(WantsBody()), QUICK, "p", call, lambda: 0.0, waits)
    conversation.send(None)
    conversation.send(TARGET)
    assert not waits.enter(("i", "s"))
    conversation.close()
    assert waits.enter(("i", "s"))


@pytest.mark.parametrize("decider", [ScriptedDecider(None), ScriptedDecider(warm=False)])
async def test_what_cannot_be_answered_at_once_is_waited_for(decider: ScriptedDecider) -> None:
    ending, _ = await run(decider)
    if decider.answer is PASS:
        assert isinstance(ending, Rewrite)
    else:
        assert refused(ending) is Reason.DEADLINE
    assert len(decider.requests) == 1


async def test_sec_41_the_deadline_starts_anew_with_the_body() -> None:
    class SlowThere(WantsBody):
        async def decide(self, request: Request) -> Decision:
            if request.body is not BodyState.NOT_READ:
                await asyncio.Event().wait()
            return await super().decide(request)

    ending, asked = await run(SlowThere(warm=False))
    assert asked[-1] == BODY
    assert refused(ending) is Reason.DEADLINE


async def test_an_exception_is_left_to_the_connection() -> None:
    with pytest.raises(LookupError):
        await run(ScriptedDecider(LookupError()))
    with pytest.raises(RuntimeError):
        await run(ScriptedDecider(RuntimeError()))
    assert refused((await run(ScriptedDecider(RequestRefused(Reason.BAD_METHOD))))[0]) is (
        Reason.BAD_METHOD
    )


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (None, CertificateState.NONE),
        (b"", CertificateState.NONE),
        (PEM, sha256(b"certificate").digest()),
    ],
)
async def test_the_clients_certificate_is_asked_for_where_an_issuer_wants_it(
    said: bytes | None, known: object
) -> None:
    decider = ScriptedDecider()
    conversation = with_certificates(decider)
    assert next(conversation) == REAL_REQUEST_URI
    assert conversation.send(TARGET) == CLIENT_CERTIFICATE
    with pytest.raises(StopIteration) as ended:
        conversation.send(said)
    assert isinstance(ended.value.value, Rewrite)
    assert decider.requests[0].client_certificate == known


async def test_a_certificate_that_cannot_be_read_is_refused() -> None:
    decider = ScriptedDecider()
    conversation = with_certificates(decider)
    next(conversation)
    conversation.send(TARGET)
    with pytest.raises(StopIteration) as ended:
        conversation.send(b"x")
    assert refused(ended.value.value) is Reason.GATEWAY_ERROR
    assert decider.requests == []


def with_certificates(decider: ScriptedDecider) -> Conversation:
    call = HttpReqCall(0, b"", "POST", TARGET, list(HEADERS), 1)
    door = replace(QUICK, certificates=True)
    return access(Judge(decider), door, "p", call, lambda: 0.0, BodyWaits())
