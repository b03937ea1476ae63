"""Which lists of models bind a caller: one function, and one table in docs/permissions.md.

| list | binds |
| --- | --- |
| the role's, in the profile | always |
| the scopes' | when the settings enforce them |
| the team's | when there is a team |
| the member's, of the person in the team | when there is a team and the membership is stored |
| the user's | when there is no team |
| the end user's | when the row is stored |
| the organization's | when there is one |

A model must be admitted by every list that binds. The first two depend on the request's profile and
route, and are judged where those are known (checks.py); the others are found here, once per caller.
"""

from typing import Literal

from gatepass.rbac.catalog import ModelCatalog
from gatepass.rbac.models import ModelRule
from gatepass.rbac.principals import Principals

BindingTable = Literal["teams", "memberships", "users", "end_users", "organizations"]
"""Where the rows stand that hold a list."""


def binding_rules(principals: Principals, catalog: ModelCatalog) -> tuple[ModelRule, ...]:
    """Return the model rules of a caller's rows that can refuse anything."""
    return tuple([rule for _, rule in binding_lists(principals, catalog) if not rule.everything])


def binding_lists(
    principals: Principals, catalog: ModelCatalog
) -> list[tuple[BindingTable, ModelRule]]:
    """Return the model rules of a caller's rows, each with the table that its row stands in.

    Who pays, decides: the team and its member bind when there is a team, else the user's own list.
    `all-team-models` in a member's list leaves it to the team's; without a team it is no model.
    """
    team, bind = principals.team, catalog.bind
    rules: list[tuple[BindingTable, ModelRule]] = []
    if team is not None:
        rules.append(("teams", catalog.bind_team(team.models, team.model_aliases)))
        member = principals.member
        if member is not None and not member.models.of_team:
            rules.append(("memberships", bind(member.models)))
    elif principals.user is not None:
        rules.append(("users", bind(principals.user.models)))
    if principals.end_user is not None:
        rules.append(("end_users", bind(principals.end_user.models)))
    if principals.organization is not None:
        rules.append(("organizations", bind(principals.organization.models)))
    return rules
