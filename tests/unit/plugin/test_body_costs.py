"""Members of a body that make a call dearer, or larger, than what is judged: tariffs and files."""

import json

import pytest

from gatepass.plugin.body import read_body
from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.parameters import FILE_PARAMETERS

NONE_ALLOWED = frozenset[str]()


def refusal(body: bytes) -> str:
    with pytest.raises(RequestRefused) as refused:
        read_body(body, NONE_ALLOWED)
    return refused.value.code


def body_with(**members: object) -> bytes:
    return json.dumps({"model": "gpt-4o"} | members).encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("service_tier", tier) for tier in ("priority", "scale", "performance", "Default", "")),
        *(("service_tier", odd) for odd in (["default"], {"type": "default"}, True)),
        *(("serviceTier", "priority"), ("serviceTier", {"type": "priority"})),
        *(("speed", "fast"), ("speed", True), ("inference_geo", "us")),
        ("performanceConfig", {"latency": "optimized"}),
    ],
)
def test_sec_59_a_dearer_tariff_is_not_the_clients_to_choose(name: str, value: object) -> None:
    dear = body_with(**{name: value})
    assert refusal(dear) == "parameter_denied"
    assert refusal(json.dumps({"requests": [{"params": {name: value}}]}).encode()) == (
        "parameter_denied"
    )
    assert refusal(body_with(session={name: value})) == "parameter_denied"
    assert refusal(body_with(**{name.upper(): value})) == "parameter_denied"
    assert read_body(dear, frozenset({name})).models == ("gpt-4o",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("service_tier", tier) for tier in ("auto", "default", "standard_only", "flex", None)),
        *(("speed", 1.25), ("speed", 2), ("speed", "standard"), ("inference_geo", "global")),
    ],
)
def test_a_tariff_that_costs_no_more_passes(name: str, value: object) -> None:
    for body in (body_with(**{name: value}), body_with(session={name: value})):
        assert read_body(body, NONE_ALLOWED).models == ("gpt-4o",)


@pytest.mark.parametrize("name", sorted(FILE_PARAMETERS))
def test_sec_58_a_file_that_holds_requests_is_told(name: str) -> None:
    assert read_body(body_with(**{name: "f"}), NONE_ALLOWED).names_files
    assert read_body(body_with(batch={name: {}}), NONE_ALLOWED).names_files
    assert not read_body(body_with(**{name: None}), NONE_ALLOWED).names_files
    assert not read_body(body_with(batch={name: None}), NONE_ALLOWED).names_files
    assert not read_body(body_with(batch=name), NONE_ALLOWED).names_files
