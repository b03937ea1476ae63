"""What the management service answers, for its OpenAPI document; shown.py makes the answers."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """An answer; it has these members and no others."""

    model_config = ConfigDict(extra="forbid")


Money = Annotated[float | None, Field(description="Dollars; null: no limit.")]
Window = Annotated[str | None, Field(description="Such as 30d; null: never anew.")]
Models = list[str] | Literal["all"]


class ErrorDetail(Answer):
    """What is wrong."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorAnswer(Answer):
    """A refusal."""

    error: ErrorDetail


class Limited(Answer):
    """A row with a budget."""

    max_budget: Money
    soft_budget: Money
    max_tokens: int | None
    soft_tokens: int | None
    max_requests: int | None
    soft_requests: int | None
    budget_duration: Window
    model_max_budget: dict[str, dict[str, float | int | str | None]]
    temp_budget_increase: Money
    temp_budget_expiry: str | None
    budget_id: Annotated[str | None, Field(description="The named budget, if it goes by one.")]


class LinkedTo(Answer):
    """Whose tokens a user's are."""

    issuer: str
    subject: str


class UserRow(Limited):
    """A user."""

    user_id: str
    user_email: str | None
    email_state: Literal["asserted", "entered", "verified"] | None
    user_role: str | None
    blocked: bool
    models: Models
    home_issuer: str | None
    sso_user_id: str | None
    invited: bool
    linked_to: LinkedTo | None
    created_at: str
    version: int


class TeamRow(Limited):
    """A team."""

    team_id: str
    team_alias: str | None
    organization_id: str | None
    blocked: bool
    models: Models
    team_member_budget: Money
    team_member_budget_duration: Window
    model_aliases: dict[str, str]
    may_modify_guardrails: bool
    created_at: str
    version: int


class MembershipRow(Answer):
    """What is a member's own in a team."""

    team_id: str
    user_id: str
    role: Literal["admin", "user"]
    models: Models
    max_budget_in_team: Money
    budget_duration: Window
    version: int


class OrganizationRow(Limited):
    """An organization."""

    organization_id: str
    organization_alias: str | None
    blocked: bool
    models: Models
    version: int


class OrganizationMembershipRow(Answer):
    """What somebody is in an organization."""

    organization_id: str
    user_id: str
    user_role: str
    version: int


class CustomerRow(Limited):
    """An end user."""

    user_id: str
    blocked: bool
    models: Models
    version: int


class BudgetRow(Limited):
    """A named budget."""

    version: int


class UserInfo(Answer):
    """A user with what they are in."""

    user_id: str
    user_info: UserRow
    teams: list[MembershipRow]
    organizations: list[OrganizationMembershipRow]


class TeamInfo(Answer):
    """A team with its members, the first of them if they are many."""

    team_id: str
    team_info: TeamRow
    team_memberships: list[MembershipRow]
    members_total: int


class OrganizationInfo(OrganizationRow):
    """An organization with its members, the first of them if they are many."""

    members: list[OrganizationMembershipRow]
    members_total: int


class Paged(Answer):
    """A page of a list; `total` counts the rows of all pages."""

    total: int
    page: int
    page_size: int
    total_pages: int


class UserPage(Paged):
    """Users."""

    users: list[UserRow]


class TeamPage(Paged):
    """Teams."""

    teams: list[TeamRow]


class OrganizationPage(Paged):
    """Organizations."""

    organizations: list[OrganizationRow]


class CustomerPage(Paged):
    """End users."""

    customers: list[CustomerRow]


class BudgetPage(Paged):
    """Named budgets."""

    budgets: list[BudgetRow]


class Users(Answer):
    """The users that were changed; the row as it was where it was deleted."""

    users: list[UserRow]


class Teams(Answer):
    """The teams that were changed; the row as it was where it was deleted."""

    teams: list[TeamRow]


class Organizations(Answer):
    """The organizations that were changed; the row as it was where it was deleted."""

    organizations: list[OrganizationRow]


class Customers(Answer):
    """The end users that were changed; the row as it was where it was deleted."""

    customers: list[CustomerRow]


class Budgets(Answer):
    """Named budgets."""

    budgets: list[BudgetRow]


class Memberships(Answer):
    """The memberships of a team that were changed."""

    team_id: str
    team_memberships: list[MembershipRow]


class OrganizationMemberships(Answer):
    """The memberships of an organization that were changed."""

    organization_id: str
    members: list[OrganizationMembershipRow]
