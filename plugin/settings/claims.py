"""The settings of claims: which of an issuer's claims name what, and what shapes they may have."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from gatepass.plugin.settings.fields import AnyNumber, ClaimName
from gatepass.plugin.settings.section import Section
from gatepass.plugin.settings.values import to_one_of

Claims = AnyNumber[ClaimName]


class ListClaim(StrEnum):
    """A claim that may be a list in one text."""

    TEAMS = "teams"
    ROLES = "roles"


class Separator(StrEnum):
    """What stands between the entries."""

    COMMA = "comma"
    SPACE = "space"


class IdClaim(StrEnum):
    """A claim that holds ids."""

    USER = "user"
    TEAM = "team"
    TEAMS = "teams"
    ORGANIZATION = "organization"
    END_USER = "end_user"
    OBJECT_ID = "object_id"


def _schema(kinds: type[StrEnum]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [kind.value for kind in kinds]})


ListClaimName = Annotated[ListClaim, PlainValidator(to_one_of(ListClaim)), _schema(ListClaim)]
SeparatorName = Annotated[Separator, PlainValidator(to_one_of(Separator)), _schema(Separator)]
IdClaimName = Annotated[IdClaim, PlainValidator(to_one_of(IdClaim)), _schema(IdClaim)]


class ClaimSettings(Section):
    """Which claims name what. The first of several that a token holds counts."""

    user: Claims = Field(default=("sub",), description="The user's id.")
    email: Claims = Field(default=("email",), description="The user's e-mail address.")
    email_verified: Claims = Field(
        default=("email_verified",),
        description="Whether the address was verified: only the JSON value true says so. Without "
        "such a claim no address of this issuer is believed.",
    )
    email_owner: Claims = Field(
        default=(),
        description="The organization whose address it is; where it is named, only tokens that "
        "have it verify an address.",
    )
    team: Claims = Field(default=(), description="The one team that the token is for.")
    team_alias: Claims = Field(default=(), description="The same team by its name.")
    teams: Claims = Field(default=(), description="The list of the user's teams.")
    organization: Claims = Field(default=(), description="The organization's id.")
    organization_alias: Claims = Field(default=(), description="The organization by its name.")
    end_user: Claims = Field(default=(), description="The id of the customer who is served.")
    object_id: Claims = Field(
        default=(),
        description="An id whose meaning follows the role that the token asserts: the team's for "
        "the role team, the user's for any other. Goes before `user` and `team`.",
    )
    roles: Claims = Field(
        default=("roles",), description="The roles that `roles.mappings` looks at."
    )
    scopes: Claims = Field(
        default=("scope", "scp"), description="The scopes: a list, or a text with blanks between."
    )
