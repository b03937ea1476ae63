"""A decision looks the same to every door, whichever kind it is."""

import json
from dataclasses import FrozenInstanceError

import pytest

from gatepass.plugin.decision import (
    Allow,
    Caller,
    Decision,
    Deny,
    Effect,
    Unavailable,
    apply_headers,
    refusal,
    spellings_to_remove,
)
from gatepass.plugin.reasons import Reason
from gatepass.rbac.principals import Principals
from gatepass.rbac.roles import Role
from support.callers import SOMEBODY

ATTRIBUTES = (
    *("allowed", "status", "reason", "identity", "caller", "set_headers", "remove_headers"),
    *("response_headers", "body", "request_id", "effects"),
)

ALLOWED = Allow(
    request_id="r-1",
    caller=Caller(SOMEBODY, Principals(), Role.INTERNAL_USER),
    set_headers=((b"x-gatepass-user", b"user-1"),),
    remove_headers=frozenset({b"x-gatepass-user", b"authorization"}),
    effects=(Effect("user_created", "user-1"),),
)
PUBLIC = Allow("r-2", None, (), frozenset())


@pytest.mark.parametrize(
    "decision",
    [ALLOWED, PUBLIC, refusal(Reason.NO_TOKEN), refusal(Reason.STORE_ERROR)],
    ids=["allow", "public", "deny", "unavailable"],
)
def test_every_kind_has_the_same_attributes(decision: Decision) -> None:
    kinds = {name: type(getattr(decision, name)) for name in ATTRIBUTES}
    for name, kind in {
        "allowed": bool,
        "status": int,
        "reason": Reason,
        "set_headers": tuple,
        "remove_headers": frozenset,
        "response_headers": tuple,
        "body": bytes,
        "request_id": str,
        "effects": tuple,
    }.items():
        assert kinds[name] is kind
    assert decision.allowed == (decision.status == 200) == (decision.reason is Reason.ALLOWED)
    with pytest.raises((FrozenInstanceError, AttributeError)):
        decision.reason = Reason.ALLOWED  # type: ignore[misc]


def test_who_passed_is_known_except_on_a_public_route() -> None:
    assert ALLOWED.identity is SOMEBODY
    assert PUBLIC.identity is None
    assert refusal(Reason.NO_TOKEN).identity is None


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_sec_64_only_503_says_that_we_do_not_know(reason: Reason) -> None:
    decision = refusal(reason)
    assert isinstance(decision, Unavailable) is (reason.status == 503)
    assert isinstance(decision, Deny)
    assert not decision.allowed


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_sec_64_the_body_has_the_shape_that_openai_clients_parse(reason: Reason) -> None:
    error = json.loads(refusal(reason).body)
    assert error.keys() == {"error"}
    assert error["error"].keys() == {"message", "type", "param", "code"}
    assert error["error"]["code"] == reason.code
    assert error["error"]["message"] == reason.sentence
    assert error["error"]["param"] is None


def test_sec_44_46_apply_headers_removes_every_spelling_and_adds_ours_once() -> None:
    client = [
        (b"Accept", b"*/*"),
        (b"X_Gatepass_User", b"root"),
        (b"x-gatepass-user", b"root"),
        (b"AUTHORIZATION", b"Bearer abc"),
        (b"accept", b"again"),
    ]
    assert apply_headers(ALLOWED, client) == [
        (b"Accept", b"*/*"),
        (b"accept", b"again"),
        (b"x-gatepass-user", b"user-1"),
    ]
    assert spellings_to_remove(ALLOWED, client) == [
        b"X_Gatepass_User",
        b"x-gatepass-user",
        b"AUTHORIZATION",
    ]


def test_a_refusal_changes_no_headers() -> None:
    client = [(b"accept", b"*/*")]
    assert apply_headers(refusal(Reason.NO_TOKEN), client) == client
