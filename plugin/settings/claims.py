"""The settings of one issuer's claims: where its tokens say who the caller is."""

from pydantic import Field

from gatepass.plugin.settings.fields import AnyNumber, ClaimName
from gatepass.plugin.settings.section import Section

Claims = AnyNumber[ClaimName]


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
    teams: Claims = Field(default=(), description="The list of the user's teams.")
    organization: Claims = Field(default=(), description="The organization's id.")
    end_user: Claims = Field(default=(), description="The id of the customer who is served.")
    roles: Claims = Field(
        default=("roles",), description="The roles that `roles.mappings` looks at."
    )
    scopes: Claims = Field(
        default=("scope", "scp"), description="The scopes: a list, or a text with blanks between."
    )
