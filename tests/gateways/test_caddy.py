"""Caddy: forward_auth, as examples/caddy/Caddyfile sets it up."""

from collections.abc import Iterator

import pytest

from support.echo import EchoUpstream
from support.failing_service import FrailGateway, MortalService
from support.gatepass_service import Service
from support.gateway_cases import Case, Gateway, check
from support.gateway_checks import (
    check_no_websocket,
    check_refusals,
    check_sec_41,
    check_sec_41_under_load,
    check_usage_settles,
)
from support.gateway_table import TABLE
from support.gateways import run_caddy
from support.raw_http import exchange
from support.servers import FolderFactory


@pytest.fixture(scope="module")
def gateway(folders: FolderFactory, service: Service, upstream: EchoUpstream) -> Iterator[Gateway]:
    with run_caddy(folders(), service.door.port, upstream.port) as port:
        yield Gateway("caddy", port, service, upstream)


@pytest.fixture(scope="module")
def frail(folders: FolderFactory, upstream: EchoUpstream) -> Iterator[FrailGateway]:
    service = MortalService()
    with run_caddy(folders(), service.port, upstream.port) as port:
        yield FrailGateway(port, service, upstream)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_shared_table(gateway: Gateway, case: Case) -> None:
    check(gateway, case)


def test_sec_64_every_refusal_arrives_as_it_was_said(frail: FrailGateway) -> None:
    check_refusals(frail)


def test_sec_41_no_answer_no_way_through(frail: FrailGateway) -> None:
    check_sec_41(frail, dead=502, late=503, hanging=504)


@pytest.mark.rounds(50)
def test_sec_41_killed_under_load(frail: FrailGateway) -> None:
    check_sec_41_under_load(frail, dead=502)


def test_what_a_call_used_can_be_reported_by_its_id(
    folders: FolderFactory, service: Service, upstream: EchoUpstream
) -> None:
    def edit(text: str) -> str:
        return text.replace("/caddy/default", "/caddy/unseen")

    with run_caddy(folders(), service.door.port, upstream.port, edit) as port:
        check_usage_settles(Gateway("caddy", port, service, upstream), service)


def test_a_websocket_is_not_opened(gateway: Gateway) -> None:
    check_no_websocket(gateway, status=400)


@pytest.mark.parametrize("host", ["127.0.0.1", "other.example", "127.0.0.1:1"])
def test_sec_41_no_host_name_leads_around_the_gate(gateway: Gateway, host: str) -> None:
    octets = f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert exchange(gateway.port, octets.encode()).status == 401
