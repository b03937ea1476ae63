"""Which limits apply to a caller, and which of them to a request.

| scope        | whose budget it is                                   | it applies                |
| ------------ | ---------------------------------------------------- | ------------------------- |
| team         | the team's that the caller acts for                  | whenever a team pays      |
| member       | the member's own there, else the team's for each one | whenever a team pays      |
| user         | the person's                                         | always, or without a team |
| end_user     | the end user's that the token names                  | whenever it is stored     |
| organization | the token's, else the team's                         | whenever it is stored     |
| proxy        | that of the settings                                 | always                    |

In this order they are checked, and the first that does not suffice is named. A limit for the models
of a pattern applies to requests that name one of them, in any spelling (gatepass.rbac.spellings),
or whose model was not seen.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from gatepass.plugin.budgets.limits import AppliedLimit, Scope, applied, member_subject
from gatepass.rbac.budgets import Budget
from gatepass.rbac.principals import Principals
from gatepass.rbac.spellings import PLAIN_SPELLINGS, AnySpelling, Spellings

_MAX_REMEMBERED = 16
_FEW_MODELS = 4
"""For how many requests a caller's limits are remembered, and of how many models at most."""


class UserLimit(StrEnum):
    """When a person's own limit applies; the value is its name in the settings."""

    ALL = "all"
    WITHOUT_TEAM = "without_team"


@dataclass(frozen=True, slots=True)
class LimitRules:
    """What the settings say about which limits apply.

    `proxy` is the whole deployment's; `spellings` knows the names that models go by.
    """

    proxy: Budget | None = None
    user_limit: UserLimit = UserLimit.ALL
    spellings: Spellings = PLAIN_SPELLINGS


class Applicable(msgspec.Struct, frozen=True, eq=False):
    """The limits of a caller, in order; `patterns` are those of the limits for some models only."""

    limits: tuple[AppliedLimit, ...] = ()
    patterns: tuple[AnySpelling | None, ...] | None = None
    spellings: Spellings = PLAIN_SPELLINGS
    _remembered: dict[tuple[str, ...], tuple[AppliedLimit, ...]] = msgspec.field(
        default_factory=dict
    )

    def __bool__(self) -> bool:
        """Answer whether any limit may apply."""
        return bool(self.limits)

    def to_models(self, models: tuple[str, ...]) -> tuple[AppliedLimit, ...]:
        """Return the limits that apply to a request for these models; none means not seen."""
        if self.patterns is None or not models:
            return self.limits
        found = self._remembered.get(models)
        return self._look_up(self.patterns, models) if found is None else found

    def _look_up(
        self, patterns: tuple[AnySpelling | None, ...], models: tuple[str, ...]
    ) -> tuple[AppliedLimit, ...]:
        names = [name for model in models for name in self.spellings.names_of(model)]
        found = tuple(
            limit
            for limit, pattern in zip(self.limits, patterns, strict=True)
            if pattern is None or pattern.holds_for(names)
        )
        if len(models) <= _FEW_MODELS:  # callers choose the names: there must be an end
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[models] = found
        return found


NO_LIMITS = Applicable()
_SILENT = LimitRules()


def limits_of(principals: Principals, rules: LimitRules) -> Applicable:
    """Return every limit that applies to a caller."""
    limits = tuple(
        limit
        for scope, subject_id, budget in _budgets_of(principals, rules)
        for limit in applied(scope, subject_id, budget)
    )
    if not limits:
        return NO_LIMITS
    patterns = [None if limit.model is None else AnySpelling(limit.model) for limit in limits]
    return Applicable(limits, tuple(patterns) if any(patterns) else None, rules.spellings)


def every_limit(principals: Principals) -> Applicable:
    """Return every limit of the rows of a caller, where the settings say nothing."""
    return limits_of(principals, _SILENT)


def _budgets_of(principals: Principals, rules: LimitRules) -> list[tuple[Scope, str, Budget]]:
    user, team, member = principals.user, principals.team, principals.member
    found: list[tuple[Scope, str, Budget | None]] = []
    if team is not None:
        found.append((Scope.TEAM, team.team_id, team.budget))
        if user is not None:
            subject = member_subject(team.team_id, user.user_id)
            budget = principals.share if member is None else member.budget
            found.append((Scope.MEMBER, subject, budget))
    if user is not None and (team is None or rules.user_limit is UserLimit.ALL):
        found.append((Scope.USER, user.user_id, user.budget))
    if principals.end_user is not None:
        end_user = principals.end_user
        found.append((Scope.END_USER, end_user.end_user_id, end_user.budget))
    if principals.organization is not None:
        organization = principals.organization
        found.append((Scope.ORGANIZATION, organization.organization_id, organization.budget))
    found.append((Scope.PROXY, "", rules.proxy))
    return [(scope, subject, budget) for scope, subject, budget in found if budget is not None]
