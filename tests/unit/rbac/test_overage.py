import pytest

from gatepass.rbac.claims import compile_claim_path
from gatepass.rbac.errors import AccessDenied, AccessFault
from gatepass.rbac.overage import is_withheld

ELSEWHERE = {"_claim_names": {"groups": "src1", "roles": "src2"}}


@pytest.mark.parametrize(
    ("claims", "candidates", "withheld"),
    [
        ({}, ("groups",), False),
        (ELSEWHERE, ("groups",), True),
        (ELSEWHERE, ("roles",), True),
        (ELSEWHERE, ("teams",), False),
        (ELSEWHERE, (), False),
        (ELSEWHERE, (r"a\.b", "groups"), True),
        (ELSEWHERE, ("groups.names",), True),
        (ELSEWHERE, ("realm.groups",), False),
        (ELSEWHERE | {"groups": ["a"]}, ("groups",), False),
        (ELSEWHERE | {"groups": []}, ("groups",), False),
        (ELSEWHERE | {"groups": None}, ("groups",), True),
        (ELSEWHERE | {"teams": ["a"]}, ("teams", "groups"), False),
        (ELSEWHERE | {"teams": ["a"]}, ("groups", "teams"), True),
        ({"hasgroups": True}, ("groups",), True),
        ({"hasgroups": "true"}, ("groups",), True),
        ({"hasgroups": []}, ("groups",), True),
        ({"hasgroups": True}, ("teams",), False),
        ({"hasgroups": False}, ("groups",), False),
        ({"hasgroups": None}, ("groups",), False),
        ({"hasgroups": True, "groups": ["a"]}, ("groups",), False),
        ({"_claim_names": {"x": "src1"}, "hasgroups": True}, ("groups",), True),
        ({"_claim_names": None}, ("groups",), False),
        ({"_claim_names": {}}, ("groups",), False),
    ],
)
def test_a_claim_that_is_left_out(
    claims: dict[str, object], candidates: tuple[str, ...], *, withheld: bool
) -> None:
    paths = tuple(compile_claim_path(name) for name in candidates)
    assert is_withheld(claims, paths) is withheld


@pytest.mark.parametrize("names", ["groups", ["groups"], 1, True, ""])
def test_sec_17_what_names_the_claims_left_out_must_be_an_object(names: object) -> None:
    with pytest.raises(AccessDenied) as denied:
        is_withheld({"_claim_names": names}, (compile_claim_path("groups"),))
    assert denied.value.fault is AccessFault.BAD_IDENTITY_CLAIM
