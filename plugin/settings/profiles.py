"""The settings of the rules: roles, route groups, profiles with their permissions."""

from collections.abc import Iterator, Mapping

from pydantic import Field

from gatepass.plugin.settings.fields import (
    AnyNumber,
    Flag,
    GroupMember,
    GroupName,
    Models,
    RoleName,
    Route,
    ScopeName,
    Text,
)
from gatepass.plugin.settings.problems import Finding, repeated
from gatepass.plugin.settings.section import Section

RouteGroups = Mapping[GroupName, AnyNumber[GroupMember]]


class RoleMappingSettings(Section):
    """One value of the roles claim and the role that it stands for."""

    value: Text = Field(description="A value of the roles claim, exactly.")
    role: RoleName = Field(description="The role that it stands for.")


class RoleSettings(Section):
    """How tokens assert a role. Without anything here no token makes an admin."""

    admin_scope: ScopeName | None = Field(
        default=None, description="The scope that makes its bearer a proxy_admin."
    )
    mappings: tuple[RoleMappingSettings, ...] = Field(
        default=(), description="What values of the roles claim stand for; the first match counts."
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the mappings that could never match."""
        if "mappings" in right:
            yield from repeated(
                [(("mappings", at), mapping.value) for at, mapping in enumerate(self.mappings)],
                "never matches: the value is mapped above",
            )


class PermissionSettings(Section):
    """What one role may do. What is not said is denied."""

    routes: AnyNumber[Route] = Field(
        default=(),
        description="Route groups, paths (/v1/models), prefixes (/v1/files/*), or * for all; with "
        "a method in front (GET /v1/models) for that method alone.",
    )
    models: Models = Field(
        default=(),
        description="Model names, with * for any run of characters, or the word all.",
    )


class ProfileSettings(Section):
    """The rules for the requests of one kind of route; a gateway names the profile it asks for."""

    public_routes: AnyNumber[Route] = Field(
        default=(), description="Routes that need no token, written like those of a permission."
    )
    permissions: Mapping[RoleName, PermissionSettings] = Field(
        default={}, description="What each role may do; a role that is missing may do nothing."
    )
    require_model: Flag = Field(
        default=True, description="Refuse calls that name no model where the route needs one."
    )
    unsafe_unseen_model_routes: AnyNumber[Route] = Field(
        default=(),
        description="Routes that pass although the gateway does not show the body and a model rule "
        "applies.",
    )
    allow_parameters: AnyNumber[Text] = Field(
        default=(),
        description="Members of the request body that are refused otherwise (fallbacks, api_base, "
        "...).",
    )
    allow_token_upstream: Flag = Field(
        default=False, description="Let the caller's token reach the upstream."
    )
