from dataclasses import FrozenInstanceError

import pytest

from gatepass.rbac.claims import ClaimNames
from gatepass.rbac.policy import Policy
from gatepass.rbac.roles import RoleRules
from support.callers import profile


def test_a_policy_cannot_be_changed_only_replaced() -> None:
    rules = profile({})
    policy = Policy({"default": rules}, {"https://idp.example": ClaimNames()}, RoleRules())
    with pytest.raises(FrozenInstanceError):
        rules.allow_token_upstream = True  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        policy.roles = RoleRules("everybody")  # type: ignore[misc]
