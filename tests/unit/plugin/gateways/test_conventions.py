"""The conventions are values; what the proxies' documents say about them stands here once more."""

import pytest

from gatepass.plugin.gateways.conventions import CADDY, CONVENTIONS, ENVOY, NGINX, TRAEFIK
from gatepass.plugin.reasons import Reason


def test_each_is_found_by_the_first_segment_of_its_path() -> None:
    assert CONVENTIONS == {
        b"envoy": ENVOY,
        b"nginx": NGINX,
        b"traefik": TRAEFIK,
        b"caddy": CADDY,
    }


def test_only_envoy_can_delete_headers_that_it_does_not_know() -> None:
    able = {name for name, convention in CONVENTIONS.items() if convention.can_remove_headers}
    assert able == {b"envoy"}


def test_only_envoy_and_traefik_show_bodies() -> None:
    showing = {name for name, convention in CONVENTIONS.items() if convention.shows_body}
    assert showing == {b"envoy", b"traefik"}


@pytest.mark.parametrize(
    ("name", "once"),
    [
        ("envoy", {}),
        ("nginx", {b"x-original-method": "bad_method", b"x-original-uri": "ambiguous_path"}),
        ("traefik", {b"x-forwarded-method": "bad_method", b"x-forwarded-uri": "ambiguous_path"}),
        ("caddy", {b"x-forwarded-method": "bad_method", b"x-forwarded-uri": "ambiguous_path"}),
    ],
)
def test_sec_32_the_headers_that_carry_the_original_request(
    name: str, once: dict[bytes, str]
) -> None:
    convention = CONVENTIONS[name.encode()]
    assert {header: reason.code for header, reason in convention.only_once.items()} == once
    assert set(once) <= convention.reads


def test_every_reason_has_a_status_that_the_convention_can_carry() -> None:
    for convention in CONVENTIONS.values():
        if convention.refusals is not None:
            assert convention.refusals <= {reason.status for reason in Reason}
