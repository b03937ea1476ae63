from gatepass.rbac.models import ALL_MODELS
from gatepass.rbac.principals import EndUser, Organization, Principals, Team, User


def test_a_row_is_not_blocked_and_asserts_nothing_by_default() -> None:
    user, team = User("u", ALL_MODELS), Team("t", ALL_MODELS)
    assert (user.role, user.blocked, user.budget) == (None, False, None)
    assert (team.organization_id, team.blocked, team.budget) == (None, False, None)
    assert not Organization("o", ALL_MODELS).blocked
    assert not EndUser("e", ALL_MODELS).blocked


def test_nobody_has_rows_by_default() -> None:
    assert Principals() == Principals(user=None, team=None, organization=None, end_user=None)
