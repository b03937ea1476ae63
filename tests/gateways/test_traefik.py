"""Traefik: forwardAuth, as examples/traefik/ sets it up."""

from collections.abc import Iterator

import pytest

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
from support.gateway_table import TABLE
from support.gateways import run_traefik
from support.servers import FolderFactory


@pytest.fixture(scope="module")
def gateway(folders: FolderFactory, service: Service, upstream: EchoUpstream) -> Iterator[Gateway]:
    with run_traefik(folders(), service.door.port, upstream.port) as port:
        yield Gateway("traefik", port, service, upstream)


@pytest.fixture(scope="module")
def frail(folders: FolderFactory, upstream: EchoUpstream) -> Iterator[FrailGateway]:
    service = MortalService()
    with run_traefik(folders(), service.port, upstream.port) as port:
        yield FrailGateway(port, service, upstream)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.name)
def test_the_shared_table(gateway: Gateway, case: Case) -> None:
    check(gateway, case)


def test_sec_64_every_refusal_arrives_as_it_was_said(frail: FrailGateway) -> None:
    check_refusals(frail)


def test_sec_41_no_answer_no_way_through(frail: FrailGateway) -> None:
    check_sec_41(frail, dead=500, late=503, hanging=None)


@pytest.mark.rounds(50)
def test_sec_41_killed_under_load(frail: FrailGateway) -> None:
    check_sec_41_under_load(frail, dead=500)


def test_what_a_call_used_can_be_reported_by_its_id(gateway: Gateway, service: Service) -> None:
    check_usage_settles(gateway, service)


def test_sec_57_a_chunked_body_is_judged(gateway: Gateway) -> None:
    check_chunked_body(gateway)


def test_a_websocket_is_not_opened(gateway: Gateway) -> None:
    check_no_websocket(gateway, status=404)


@pytest.mark.soak
def test_sec_41_a_hanging_service_ends_after_traefiks_own_half_minute(frail: FrailGateway) -> None:
    with frail.service.hanging():
        frail.upstream.received.clear()
        assert frail.get(timeout=40.0).status == 500
        assert frail.upstream.received == []
