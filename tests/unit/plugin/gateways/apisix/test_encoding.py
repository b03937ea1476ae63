"""A call's end as a frame: filled-in frames say what freshly written ones would."""

import pytest

from gatepass.plugin.gateways.apisix.encoding import encode_rewrite, encode_stop
from gatepass.plugin.gateways.apisix.messages import answered, rewrite, stop
from gatepass.plugin.gateways.apisix.names import REQUEST_ID
from gatepass.plugin.gateways.apisix.questions import Rewrite, Stop
from gatepass.plugin.gateways.apisix.verdict import to_stop
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for
from support.apisix import messages as theirs
from support.apisix_calls import frames_in, said_in, stop_in

IDS = [0, 1, 0x2A5F3C91, 0x2A5F3C92, 0x913C5F2A, 2**22, 2**31, 2**32 - 1]
"""Among them the one that stands for the id until it is known."""
REMOVED = (b"authorization", b"x-gatepass-user", b"x_gatepass_user")
SET = ((b"x-gatepass-role", b"internal_user"), (b"x-gatepass-user", b"ann"))


@pytest.mark.parametrize("number", IDS)
@pytest.mark.parametrize("request_id", ["r", "0" * 16 + "-1", "a" * 32, "x" * 255])
def test_0e_an_allowed_request_of_any_id(number: int, request_id: str) -> None:
    written = encode_rewrite(number, Rewrite(REMOVED, SET, request_id))
    entries = [*((name, None) for name in REMOVED), *SET, (REQUEST_ID, request_id.encode())]
    assert written == answered(number, rewrite(entries), stops=False)
    assert said_in(written) == [
        theirs.RequestAnswer(number, 2, theirs.Rewrite(headers=tuple(entries)))
    ]


def test_one_callers_answer_is_never_anothers() -> None:
    """The frames are remembered; what differs between two requests must differ in them."""
    for round_number in range(3):
        for who in (b"ann", b"bob", b"eve"):
            for removed in (REMOVED, REMOVED[:1], ()):
                headers = ((b"x-gatepass-user", who),)
                request_id = f"r-{round_number}"
                (answer,) = said_in(
                    encode_rewrite(round_number, Rewrite(removed, headers, request_id))
                )
                assert isinstance(answer, theirs.RequestAnswer)
                assert isinstance(answer.action, theirs.Rewrite)
                assert answer.id == round_number
                assert answer.action.headers == (
                    *((name, None) for name in removed),
                    *headers,
                    (REQUEST_ID, request_id.encode()),
                )


@pytest.mark.parametrize("value", [b"", b"\xff", b"\xff" * 16, b"\x91\x3c\x5f\x2a", b"r-1"])
def test_values_that_look_like_what_is_filled_in(value: bytes) -> None:
    written = encode_rewrite(7, Rewrite((b"a",), ((b"b", value),), "f" * 16))
    entries = [(b"a", None), (b"b", value), (REQUEST_ID, b"f" * 16)]
    assert written == answered(7, rewrite(entries), stops=False)


@pytest.mark.parametrize("number", IDS)
def test_0e_a_refusal_of_any_id(number: int) -> None:
    ending = Stop(403, ((b"content-type", b"application/json"),), b"\x91\x3c\x5f\x2a")
    written = encode_stop(number, ending)
    assert written == answered(number, stop(403, list(ending.headers), ending.body), stops=True)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_0a_every_refusal_is_a_stop_with_a_status_and_a_body(reason: Reason) -> None:
    refusal = refuse_for(reason, 17)
    written = encode_stop(0, to_stop(refusal))
    assert [kind for kind, _ in frames_in(written)] == [theirs.REQUEST]
    said = stop_in(said_in(written))
    assert (said.status, said.body) == (reason.status, refusal.body)
    names = [name for name, _ in said.headers]
    assert len(names) == len(set(names))  # of two www-authenticate APISIX keeps the last
    assert all(name == name.lower() for name in names)
    assert b"content-type" in names
    assert b"content-length" not in names  # APISIX would believe it
