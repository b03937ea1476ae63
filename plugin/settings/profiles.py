"""The settings of the rules: roles, route groups, profiles with their permissions."""

from collections.abc import Iterator, Mapping

from pydantic import Field

from gatepass.plugin.settings.fields import (
    AnyNumber,
    Flag,
    GroupMember,
    GroupName,
    Models,
    Money,
    PrecedenceName,
    RoleName,
    Route,
    ScopeName,
    Text,
    Time,
)
from gatepass.plugin.settings.problems import Finding, repeated
from gatepass.plugin.settings.section import Section
from gatepass.rbac.roles import PROXY_ADMINS, Precedence, Role

RouteGroups = Mapping[GroupName, AnyNumber[GroupMember]]

_LEAST_LITERAL_CHARS = 3
"""How much of a value that makes an admin must be written out."""

_ADMINS = PROXY_ADMINS | {Role.ORG_ADMIN}


def _is_wide(value: str) -> bool:
    """Answer whether a value with * stands for so much that somebody could happen to have it."""
    if "*" not in value:
        return False
    literal = len(value) - value.count("*")
    return literal < _LEAST_LITERAL_CHARS or (value[0] == "*" and value[-1] == "*")


class RoleMappingSettings(Section):
    """One value of the roles claim and the role that it stands for."""

    value: Text = Field(
        description="A value of the roles claim, exactly; but * stands for any run of characters."
    )
    role: RoleName = Field(description="The role that it stands for.")


class RoleSettings(Section):
    """How tokens assert a role. Without anything here no token makes an admin."""

    admin_scope: ScopeName | None = Field(
        default=None, description="The scope that makes its bearer a proxy_admin."
    )
    mappings: tuple[RoleMappingSettings, ...] = Field(
        default=(), description="What values of the roles claim stand for."
    )
    precedence: PrecedenceName = Field(
        default=Precedence.FIRST,
        json_schema_extra={"default": Precedence.FIRST.value},
        description="Which of several mappings that match counts: the first in this file, or the "
        "one with the highest role.",
    )
    allowed: AnyNumber[Text] | None = Field(
        default=None,
        description="Values of the roles claim of which a person needs one, unless the scope or a "
        "mapping makes them something; no such rule by default, and an empty list lets in nobody.",
    )
    require_role: Flag = Field(
        default=False,
        description="Refuse callers whose role neither their token nor their row says, instead of "
        "taking a person for an internal_user and a machine for its team.",
    )

    def cross_findings(self, right: frozenset[str]) -> Iterator[Finding]:
        """Yield the mappings that could never match, and those that make anybody an admin."""
        if "mappings" in right:
            for at, mapping in enumerate(self.mappings):
                if mapping.role in _ADMINS and not mapping.value.strip("*"):
                    yield Finding(
                        ("mappings", at, "value"), "would make an admin of whoever has any role"
                    )
                elif mapping.role in _ADMINS and _is_wide(mapping.value):
                    yield Finding(
                        ("mappings", at, "value"),
                        "too wide for an admin: write 3 characters or more beside the *, and * at "
                        "one end at most",
                    )
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


class UncountedSettings(Section):
    """What may pass while the store of the budgets is away; it is counted when it is back."""

    routes: AnyNumber[Route] = Field(description="The routes, written like those of a permission.")
    spend: Money = Field(
        description="The most that a process lets through uncounted: what calls can cost at most "
        "until they are settled, then what they did cost."
    )
    time: Time = Field(
        description="How long after the first such call the last may come. A duration."
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
    unsafe_routes_without_store: AnyNumber[Route] = Field(
        default=(),
        description="Routes that pass by a good token alone while the database cannot be read, "
        "under the rules for an internal_user.",
    )
    allow_uncounted: UncountedSettings | None = Field(
        default=None,
        description="What may pass while the store of the budgets is away; nothing by default.",
    )
    allow_parameters: AnyNumber[Text] = Field(
        default=(),
        description="Members of the request body that are refused otherwise (fallbacks, api_base, "
        "...).",
    )
    allow_token_upstream: Flag = Field(
        default=False, description="Let the caller's token reach the upstream."
    )
    require_user_parameter: Flag = Field(
        default=False,
        description="Refuse a POST of inference whose body does not say for which user it is.",
    )
    allow_guardrail_changes: Flag = Field(
        default=False,
        description="Let callers without a team change guardrails; for a team its row says it.",
    )
    team_routes: AnyNumber[Route] | None = Field(
        default=None,
        description="The only routes that a caller may use for a team, whatever their role; no "
        "further limit by default. It does not bind proxy admins.",
    )
    admin_scope_routes: AnyNumber[Route] | None = Field(
        default=None,
        description="The only routes for whoever is a proxy_admin by the admin scope; no further "
        "limit by default.",
    )
