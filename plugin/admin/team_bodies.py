"""The bodies of requests about teams and their members."""

from typing import Annotated

from pydantic import ConfigDict, Field

from gatepass.plugin.admin.limit_bodies import LimitBody
from gatepass.plugin.admin.limits import SaidLimits, merged
from gatepass.plugin.admin.routing import said
from gatepass.plugin.admin.values import (
    Body,
    Dollars,
    Duration,
    Flag,
    Id,
    Ids,
    ModelList,
    NewId,
    TeamMemberRole,
    Version,
)
from gatepass.plugin.directory.changes.members import MemberFields
from gatepass.plugin.directory.changes.money import BudgetSetting
from gatepass.plugin.directory.changes.records import (
    BudgetRecord,
    MembershipRecord,
    TeamRecord,
)
from gatepass.plugin.directory.changes.teams import TeamFields
from gatepass.rbac.windows import Window

_NAMES = {
    "team_alias": "alias",
    "organization_id": "organization_id",
    "models": "models",
    "blocked": "blocked",
    "model_aliases": "model_aliases",
    "may_modify_guardrails": "may_modify_guardrails",
}
_CLEARABLE = frozenset({"team_alias", "organization_id"})


class TeamBody(LimitBody):
    """What is said of a team."""

    team_alias: Id | None = None
    organization_id: Id | None = None
    models: ModelList | None = None
    blocked: Flag | None = None
    model_aliases: Annotated[
        dict[Id, Id] | None,
        Field(default=None, max_length=200, description="The team's own names for models."),
    ]
    may_modify_guardrails: Flag | None = None
    team_member_budget: Annotated[
        Dollars | None, Field(default=None, description="Of each member who has no other.")
    ]
    team_member_budget_duration: Duration | None = None

    def names(self) -> set[str]:
        """Return the fields that the body says something of, whatever is stored."""
        names = set(said(self, _NAMES, _CLEARABLE))
        if self.says_limit():
            names.add("budget_id" if self.says("budget_id") else "budget")
        if self.says("team_member_budget", "team_member_budget_duration"):
            names.add("member_budget")
        return names

    def fields(self, current: TeamRecord | None = None) -> TeamFields:
        """Return what the team is to be.

        Raises:
            ChangeRefused: BAD_VALUE for a limit that cannot be.

        """
        fields: TeamFields = {}
        fields.update(said(self, _NAMES, _CLEARABLE))  # type: ignore[typeddict-item]
        if self.says_limit():
            fields["budget"] = self.limit(None if current is None else current.budget)
        if self.says("team_member_budget", "team_member_budget_duration"):
            fields["member_budget"] = self._share(
                None if current is None else current.member_budget
            )
        return fields

    def _share(self, current: BudgetRecord | None) -> BudgetSetting:
        return _own_limit(
            self,
            current,
            ("team_member_budget", self.team_member_budget),
            ("team_member_budget_duration", self.team_member_budget_duration),
        )


class TeamMember(Body):
    """Somebody who is to be in a team."""

    user_id: Id
    role: TeamMemberRole = "user"


class TeamNew(TeamBody):
    """A new team."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "team_id": "red",
                    "team_alias": "The reds",
                    "models": "all",
                    "max_budget": 100,
                    "budget_duration": "30d",
                    "team_member_budget": 10,
                    "members_with_roles": [{"user_id": "ann", "role": "admin"}],
                }
            ]
        }
    )

    team_id: Annotated[
        NewId | None, Field(default=None, description="Made up when it is left out.")
    ]
    members_with_roles: Annotated[list[TeamMember], Field(default_factory=list, max_length=100)]


class TeamUpdate(TeamBody):
    """A change of a team; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"team_id": "red", "blocked": False, "version": 1}]}
    )

    team_id: Id
    version: Version | None = None


class TeamIds(Body):
    """Several teams."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"team_ids": ["red"]}]})

    team_ids: Ids


class TeamId(Body):
    """One team."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"team_id": "red"}]})

    team_id: Id


class MemberLimits(Body):
    """What is a member's own in a team."""

    models: ModelList | None = None
    max_budget_in_team: Dollars | None = None
    budget_duration: Duration | None = None

    def says_limits(self) -> bool:
        """Answer whether the body says anything of the member's own."""
        return self.models is not None or self.says("max_budget_in_team", "budget_duration")

    def limits(self, current: MembershipRecord | None = None) -> MemberFields:
        """Return what is the member's own.

        Raises:
            ChangeRefused: BAD_VALUE for a limit that cannot be.

        """
        fields: MemberFields = {}
        if self.models is not None:
            fields["models"] = self.models
        if self.says("max_budget_in_team", "budget_duration"):
            fields["budget"] = _own_limit(
                self,
                None if current is None else current.budget,
                ("max_budget_in_team", self.max_budget_in_team),
                ("budget_duration", self.budget_duration),
            )
        return fields


class MemberAdd(MemberLimits):
    """One new member or several."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "team_id": "red",
                    "member": {"user_id": "bob", "role": "user"},
                    "max_budget_in_team": 5,
                }
            ]
        }
    )

    team_id: Id
    member: TeamMember | Annotated[list[TeamMember], Field(min_length=1, max_length=100)]

    @property
    def members(self) -> list[TeamMember]:
        """Return those who are to be in the team, each once."""
        several = self.member if isinstance(self.member, list) else [self.member]
        return list({member.user_id: member for member in several}.values())


class MemberUpdate(MemberLimits):
    """A change of a membership; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"team_id": "red", "user_id": "bob", "role": "admin"}]}
    )

    team_id: Id
    user_id: Id
    role: TeamMemberRole | None = None
    version: Version | None = None


class MemberDelete(Body):
    """A membership that is to end."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"team_id": "red", "user_id": "bob"}]}
    )

    team_id: Id
    user_id: Id


def _own_limit(
    body: Body,
    current: BudgetRecord | None,
    money: tuple[str, int | None],
    window: tuple[str, Window | None],
) -> BudgetSetting:
    amounts = {"max_budget": money[1]} if body.says(money[0]) else {}
    return merged(current, SaidLimits(amounts, body.says(window[0]), window[1]))
