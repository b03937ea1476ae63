"""Every organization that a request names, wherever an upstream could read it."""

import json

import pytest
from msgspec.structs import replace

from gatepass.plugin.errors import RequestRefused
from gatepass.plugin.inspection import HeaderFacts
from gatepass.plugin.organizations import named_organizations
from gatepass.plugin.request import BodyState, Request

FACTS = HeaderFacts(token=b"t", team=None, encoded=False, foreign=False, drop_connection=False)


def named(
    body: object = None, query: bytes = b"", method: str = "POST", facts: HeaderFacts = FACTS
) -> tuple[str, ...]:
    octets = body if isinstance(body, bytes | BodyState) else json.dumps(body or {}).encode()
    return named_organizations(Request(method, b"/organization/info" + query, (), octets), facts)


@pytest.mark.parametrize(
    ("body", "query", "found"),
    [
        ({}, b"", ()),
        ({"organization_id": "o1"}, b"", ("o1",)),
        ({"organization_id": None}, b"", ()),
        ({"organization_ids": ["o1", "o2"]}, b"", ("o1", "o2")),
        ({"organization_id": "o1", "organization_ids": ["o2"]}, b"", ("o1", "o2")),
        ({"organization_id": "o1"}, b"?organization_id=o2", ("o2", "o1")),
        ({"organization_id": "o1"}, b"?organization_id=o1", ("o1",)),
        ({}, b"?a=1&organization_id=o1&organization_id=o2", ("o1", "o2")),
        ({}, b"?organization_ids[]=o1;organization%5Fid=o2", ("o1", "o2")),
        ({}, b"?+organization_id=o%201", ("o 1",)),
        ({"other": {"organization_id": "o1"}}, b"?other=organization_id", ()),
    ],
)
def test_sec_58_every_organization_that_is_named_counts(
    body: object, query: bytes, found: tuple[str, ...]
) -> None:
    assert named(body, query) == found


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({"Organization_Id": "o1"}, b""),
        ({"organization_id": "o1", "ORGANIZATION_ID": "o2"}, b""),
        ({"organization_id": ""}, b""),
        ({"organization_id": 1}, b""),
        ({"organization_id": {"id": "o1"}}, b""),
        ({"organization_ids": ["o1", None]}, b""),
        ({"organization_ids": [["o1"]]}, b""),
        ({"organization_id": "o1\n"}, b""),
        ({}, b"?organization_id="),
        ({}, b"?organization_id"),
        ({}, b"?Organization_Id=o1"),
        ({}, b"?organization_id=o1%00"),
    ],
)
def test_sec_58_what_names_an_organization_in_no_plain_way_is_refused(
    body: object, query: bytes
) -> None:
    with pytest.raises(RequestRefused) as refused:
        named(body, query)
    assert refused.value.code == "parameter_denied"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (BodyState.NOT_SHOWN, "body_not_shown"),
        (BodyState.CUT, "body_not_shown"),
        (BodyState.NOT_READ, "body_not_shown"),
        (BodyState.TOO_LARGE, "body_too_large"),
        (b"", "body_not_shown"),
        (b"organization_id=o1", "body_not_json"),
        (b'{"organization_id": "o1", "organization_id": "o2"}', "body_not_json"),
        (b"[]", "body_not_json"),
    ],
)
def test_sec_58_a_body_that_cannot_be_read_could_name_another(
    body: bytes | BodyState, code: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        named(body, b"?organization_id=o1")
    assert refused.value.code == code


@pytest.mark.parametrize("facts", [replace(FACTS, encoded=True), replace(FACTS, foreign=True)])
def test_sec_58_a_body_that_says_it_is_something_else_is_refused(facts: HeaderFacts) -> None:
    with pytest.raises(RequestRefused) as refused:
        named({"organization_id": "o1"}, facts=facts)
    assert refused.value.code == "body_not_json"


def test_a_method_without_a_body_needs_none_but_one_that_is_there_counts() -> None:
    for body in (BodyState.NOT_SHOWN, b""):
        assert named(body, b"?organization_id=o1", "GET") == ("o1",)
    assert named({"organization_id": "o2"}, b"?organization_id=o1", "GET") == ("o1", "o2")
    with pytest.raises(RequestRefused):
        named(b"", b"?organization_id=o1", "DELETE")
