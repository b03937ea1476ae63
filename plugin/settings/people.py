"""The settings of users and teams: who may be one, and what happens to those not stored yet."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.plugin.settings.fields import (
    AnyNumber,
    BudgetText,
    EmailDomain,
    Flag,
    HeaderName,
    RowModels,
    Text,
)
from gatepass.plugin.settings.model_budgets import ModelBudgetSettings, repeated_models
from gatepass.plugin.settings.problems import BadValue, Finding
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_one_of, to_text
from gatepass.rbac.budgets import MAX_MODELS_PER_BUDGET
from gatepass.rbac.linking import LinkPolicy
from gatepass.rbac.roles import Role
from gatepass.rbac.teams import Fallback

_NEW_USER_ROLES = (Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER)
"""Nobody becomes an administrator by being new."""


def _to_new_user_role(value: object) -> Role:
    name = to_text(value)
    for role in _NEW_USER_ROLES:
        if name == role:
            return role
    raise BadValue(f"must be one of {', '.join(_NEW_USER_ROLES)}; nobody is an admin by being new")


_Link = Annotated[
    LinkPolicy,
    PlainValidator(to_one_of(LinkPolicy)),
    WithJsonSchema({"type": "string", "enum": [policy.value for policy in LinkPolicy]}),
]
_Fallback = Annotated[
    Fallback,
    PlainValidator(to_one_of(Fallback)),
    WithJsonSchema({"type": "string", "enum": [fallback.value for fallback in Fallback]}),
]
_NewUserRole = Annotated[
    Role,
    PlainValidator(_to_new_user_role),
    WithJsonSchema({"type": "string", "enum": [role.value for role in _NEW_USER_ROLES]}),
]


class RowDefaultSettings(Section):
    """What a row that is made on the fly starts with."""

    budget: BudgetText | None = Field(
        default=None,
        description="A budget, such as $50 per 30d, or $50 and soft $40 and 1000 requests per "
        "month in Europe/Berlin; none by default.",
    )
    model_budgets: tuple[ModelBudgetSettings, ...] = Field(
        default=(),
        max_length=MAX_MODELS_PER_BUDGET,
        description="Budgets for some models, beside the one for all.",
    )
    models: RowModels = Field(default="all", description="Model patterns, or the word all.")

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the entries that would never count."""
        if "model_budgets" in right:
            yield from repeated_models("model_budgets", self.model_budgets)


class TeamDefaultSettings(RowDefaultSettings):
    """What a team that is made on the fly starts with."""

    member_budget: BudgetText | None = Field(
        default=None, description="The share of each of its members; none by default."
    )


class UserDefaultSettings(RowDefaultSettings):
    """What a user that is made on the fly starts with."""

    role: _NewUserRole | None = Field(
        default=None, description="The role of the row; none by default."
    )
    teams: AnyNumber[Text] = Field(
        default=(), description="The ids of teams to become a member of; all must be stored."
    )


class UserSettings(Section):
    """Users that are not stored yet, and who may be one."""

    email_domains: AnyNumber[EmailDomain] | None = Field(
        default=None,
        description="The only domains that the addresses of people may have; any by default, and "
        "an empty list lets in nobody.",
    )
    link: _Link = Field(
        default=LinkPolicy.VERIFIED_EMAIL,
        json_schema_extra={"default": LinkPolicy.VERIFIED_EMAIL.value},
        description="Which stored rows that are nobody's yet a verified address may link to the "
        "bearer: never, verified_email (any but an administrator's), or invited_only. It takes an "
        "issuer with email_trusted.",
    )
    upsert: Flag = Field(
        default=False, description="Make a row for a user seen for the first time."
    )
    sync_role: Flag = Field(
        default=False,
        description="Write the role that a token asserts into the row. It counts as long as a "
        "token asserts it.",
    )
    sync_teams: Flag = Field(
        default=False,
        description="Make the user a member of the stored teams that the token lists, and of no "
        "other. A token without the list changes nothing.",
    )
    defaults: UserDefaultSettings = Field(
        default_factory=UserDefaultSettings, description="What such a row starts with."
    )


class EndUserSettings(Section):
    """End users (customers) that are not stored yet; without a row they are not restricted."""

    upsert: Flag = Field(
        default=False, description="Make a row for an end user seen for the first time."
    )
    defaults: RowDefaultSettings = Field(
        default_factory=RowDefaultSettings, description="What such a row starts with."
    )


class TeamSettings(Section):
    """Teams that are not stored yet, and the choice between several."""

    upsert: Flag = Field(
        default=False, description="Make a row for a team seen for the first time."
    )
    header: HeaderName | None = Field(
        default="x-gatepass-team",
        description="The request header that chooses one of the token's teams; null for none.",
    )
    defaults: TeamDefaultSettings = Field(
        default_factory=TeamDefaultSettings, description="What such a row starts with."
    )
    default: Text | None = Field(
        default=None,
        description="The id of the team of callers who have none: neither named by the token nor, "
        "with a fallback, by a membership.",
    )
    fallback: _Fallback = Field(
        default=Fallback.NONE,
        json_schema_extra={"default": Fallback.NONE.value},
        description="Which stored memberships count when the token names no team: none, "
        "single_membership (if it is the only one), or memberships (the first by id that may use "
        "the route and the model).",
    )
    unknown_claim_falls_back: Flag = Field(
        default=False,
        description="When no team that a token names is stored, go on as if it named none, "
        "instead of refusing.",
    )
    required: Flag = Field(
        default=False, description="Refuse callers without a team; proxy admins may be without."
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield what contradicts itself."""
        if (
            right >= {"unknown_claim_falls_back", "upsert"}
            and self.unknown_claim_falls_back
            and self.upsert
        ):
            yield Finding(
                ("unknown_claim_falls_back",),
                "contradicts upsert, which makes a team that is unknown",
            )
