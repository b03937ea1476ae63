"""Decisions in the words of the proxies."""

import pytest

from gatepass.plugin.decision import Allow
from gatepass.plugin.gateways.answers import refusal_answer, to_answer
from gatepass.plugin.gateways.conventions import (
    CADDY,
    CONVENTIONS,
    ENVOY,
    NGINX,
    TRAEFIK,
    Convention,
)
from gatepass.plugin.headers import REQUEST_ID, Header
from gatepass.plugin.reasons import Reason
from gatepass.plugin.refusals import refuse_for

IDENTITY = frozenset({b"x-gatepass-user", b"x-gatepass-team-id", b"x-gatepass-role"})
ALICE = Allow(
    "r-1", None, ((b"x-gatepass-user", b"alice"),), IDENTITY | {b"authorization", b"connection"}
)
REMOVE = b"x-envoy-auth-headers-to-remove"


def removed(headers: list[Header], decision: Allow = ALICE) -> list[bytes]:
    _, answer, _ = to_answer(ENVOY, headers, decision)
    return dict(answer)[REMOVE].split(b",")


@pytest.mark.parametrize("convention", CONVENTIONS.values())
def test_every_answer_has_a_length_and_is_not_stored(convention: Convention) -> None:
    for decision in (ALICE, refuse_for(Reason.NO_TOKEN), refuse_for(Reason.STORE_ERROR)):
        _, headers, body = to_answer(convention, [], decision)
        assert dict(headers)[b"content-length"] == b"%d" % len(body)
        assert dict(headers)[b"cache-control"] == b"no-store"


@pytest.mark.parametrize("convention", CONVENTIONS.values())
def test_allowed_is_200_with_the_headers_to_set(convention: Convention) -> None:
    status, headers, body = to_answer(convention, [], ALICE)
    assert (status, body) == (200, b"")
    assert (b"x-gatepass-user", b"alice") in headers
    assert [value for name, value in headers if name == REQUEST_ID] == [b"r-1"]
    assert (REMOVE in dict(headers)) is (convention is ENVOY)


def test_sec_46_each_identity_header_is_either_set_or_removed() -> None:
    names = removed([])
    assert set(names) == (ALICE.remove_headers - {b"x-gatepass-user"})
    assert len(names) == len(set(names))


def test_sec_44_every_spelling_of_the_client_is_removed() -> None:
    client = [
        (b"x_gatepass_user", b"admin"),
        (b"x-gatepass_user", b"admin"),
        (b"x-gatepass-user", b"admin"),
        (b"x_gatepass-team_id", b"t"),
        (b"x_other", b"stays"),
    ]
    names = removed(client)
    assert {b"x_gatepass_user", b"x-gatepass_user", b"x_gatepass-team_id"} <= set(names)
    assert b"x-gatepass-user" not in names
    assert b"x_other" not in names
    assert len(names) == len(set(names))


def test_a_header_that_is_set_under_an_odd_name_is_not_removed_again() -> None:
    odd = Allow("r", None, ((b"x_user", b"alice"),), frozenset({b"x-user"}))
    assert removed([(b"x_user", b"admin"), (b"X-User", b"x")], odd) == [b"X-User", b"x-user"]


def test_sec_44_the_requests_id_is_set_and_its_other_spellings_removed() -> None:
    ours = Allow("r-1", None, (), IDENTITY | {REQUEST_ID})
    names = removed([(b"x_gatepass-request", b"r-2"), (REQUEST_ID, b"r-3")], ours)
    assert b"x_gatepass-request" in names
    assert REQUEST_ID not in names
    _, answer, _ = to_answer(ENVOY, [], ours)
    assert dict(answer)[REQUEST_ID] == b"r-1"


def test_each_answer_names_its_own_request() -> None:
    for request_id in ("r-1", "r-2"):
        decision = Allow(request_id, None, ALICE.set_headers, IDENTITY)
        for convention in CONVENTIONS.values():
            _, answer, _ = to_answer(convention, [], decision)
            assert dict(answer)[REQUEST_ID] == request_id.encode()


def test_a_public_route_removes_all_and_sets_nothing() -> None:
    public = Allow("r", None, (), IDENTITY)
    assert removed([], public) == sorted(IDENTITY)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_a_refusal_keeps_its_status_where_the_proxy_passes_it_on(reason: Reason) -> None:
    refusal = refuse_for(reason)
    for convention in (ENVOY, TRAEFIK, CADDY):
        status, headers, body = to_answer(convention, [], refusal)
        assert (status, body) == (reason.status, refusal.body)
        assert b"x-gatepass-code" not in dict(headers)


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason is not Reason.ALLOWED])
def test_nginx_is_told_no_and_the_code(reason: Reason) -> None:
    status, headers, _ = to_answer(NGINX, [], refuse_for(reason))
    assert status == (reason.status if reason.status in {401, 403} else 403)
    assert dict(headers)[b"x-gatepass-code"] == reason.code.encode()


def test_nginx_is_told_when_to_retry() -> None:
    _, headers, _ = to_answer(NGINX, [], refuse_for(Reason.BUDGET_EXCEEDED, 17))
    assert dict(headers)[b"x-gatepass-retry-after"] == b"17"
    _, headers, _ = to_answer(NGINX, [], refuse_for(Reason.NO_TOKEN))
    assert b"x-gatepass-retry-after" not in dict(headers)


def test_sec_64_a_refusal_carries_its_challenge() -> None:
    status, headers, _ = refusal_answer(refuse_for(Reason.EXPIRED))
    assert status == 401
    assert dict(headers)[b"www-authenticate"].startswith(b"Bearer ")
