"""Envoy: ext_authz over HTTP, as examples/envoy/envoy.yaml sets it up."""

from collections.abc import Iterator

import pytest

from gatepass.plugin.request import BodyState
from support.echo import EchoUpstream
from support.failing_service import FrailGateway, MortalService
from support.gatepass_service import Service
from support.gateway_cases import Case, Gateway, check
from support.gateway_checks import (
    check_chunked_body,
    check_no_websocket,
    check_refusals,
    check_sec_41,
    check_sec_41_under_load,
    check_usage_settles,
)
from support.gateway_table import CHAT, HIDDEN, TABLE, TOKEN, chat
from support.gateways import run_envoy
from support.servers import FolderFactory


@pytest.fixture(scope="module")
def gateway(folders: FolderFactory, service: Service, upstream: EchoUpstream) -> Iterator[Gateway]:
    with run_envoy(folders(), service.door.port, upstream.port) as port:
        yield Gateway("envoy", port, service, upstream)


@pytest.fixture(scope="module")
def frail(folders: FolderFactory, upstream: EchoUpstream) -> Iterator[FrailGateway]:
    service = MortalService()
    with run_envoy(folders(), service.port, upstream.port) as port:
        yield FrailGateway(port, service, upstream)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_shared_table(gateway: Gateway, case: Case) -> None:
    check(gateway, case)


def test_sec_64_every_refusal_arrives_as_it_was_said(frail: FrailGateway) -> None:
    check_refusals(frail, loses_5xx_bodies=True)


def test_sec_41_no_answer_no_way_through(frail: FrailGateway) -> None:
    check_sec_41(frail, dead=503, late=503, hanging=503)


@pytest.mark.rounds(50)
def test_sec_41_killed_under_load(frail: FrailGateway) -> None:
    check_sec_41_under_load(frail, dead=503)


def test_what_a_call_used_can_be_reported_by_its_id(gateway: Gateway, service: Service) -> None:
    check_usage_settles(gateway, service)


def test_sec_57_a_chunked_body_is_judged(gateway: Gateway) -> None:
    check_chunked_body(gateway)


def test_a_websocket_is_not_opened(gateway: Gateway) -> None:
    check_no_websocket(gateway, status=403)


SMUGGLED = ("X-Gatepass-User", "x_gatepass_user", "X-GATEPASS_Role", "X_Gatepass-Team_Id")


@pytest.mark.parametrize("name", SMUGGLED)
def test_sec_44_every_spelling_is_removed_even_if_envoy_lets_underscores_in(
    lenient: Gateway, name: str
) -> None:
    check(lenient, Case(name, headers=(TOKEN, (name, "admin"), (name, "root"))))


@pytest.fixture(scope="module")
def lenient(folders: FolderFactory, service: Service, upstream: EchoUpstream) -> Iterator[Gateway]:
    def edit(text: str) -> str:
        return text.replace("underscores_action: REJECT_REQUEST", "underscores_action: ALLOW")

    with run_envoy(folders(), service.door.port, upstream.port, edit) as port:
        yield Gateway("envoy", port, service, upstream)


def test_sec_46_what_envoy_does_not_show_is_removed_all_the_same(
    folders: FolderFactory, service: Service, upstream: EchoUpstream
) -> None:
    def edit(text: str) -> str:
        (shown,) = (line for line in text.splitlines() if "allowed_headers:" in line)
        return text.replace(shown, "")

    with run_envoy(folders(), service.door.port, upstream.port, edit) as port:
        gateway = Gateway("envoy", port, service, upstream)
        smuggled = (("X-Gatepass-Team-Id", "admins"), ("X-Gatepass-User", "root"))
        check(gateway, Case("unseen", headers=(TOKEN, *smuggled)))


def test_sec_58_the_beginning_of_a_body_is_not_a_body(
    folders: FolderFactory, service: Service, upstream: EchoUpstream
) -> None:
    def edit(text: str) -> str:
        return text.replace("max_request_bytes: 1048577", "max_request_bytes: 64")

    with run_envoy(folders(), service.door.port, upstream.port, edit) as port:
        gateway = Gateway("envoy", port, service, upstream)
        whole = chat()
        check(gateway, Case("whole", CHAT, method="POST", headers=(TOKEN,), body=whole))
        cut = chat(x="y" * 64)
        check(gateway, Case("cut", CHAT, HIDDEN, method="POST", headers=(TOKEN,), body=cut))
        assert service.asked.requests[0].body is BodyState.CUT
