"""The bodies of requests about organizations and who is in them."""

from typing import Annotated

from pydantic import ConfigDict, Field

from gatepass.plugin.admin.limit_bodies import LimitBody
from gatepass.plugin.admin.routing import said
from gatepass.plugin.admin.values import (
    Body,
    Flag,
    Id,
    Ids,
    ModelList,
    NewId,
    OrganizationRole,
    Version,
)
from gatepass.plugin.directory.changes.organizations import OrganizationFields
from gatepass.plugin.directory.changes.records import OrganizationRecord

_NAMES = {"organization_alias": "alias", "models": "models", "blocked": "blocked"}
_CLEARABLE = frozenset({"organization_alias"})


class OrganizationBody(LimitBody):
    """What is said of an organization."""

    organization_alias: Id | None = None
    models: ModelList | None = None
    blocked: Flag | None = None

    def fields(self, current: OrganizationRecord | None = None) -> OrganizationFields:
        """Return what the organization is to be.

        Raises:
            ChangeRefused: BAD_VALUE for a limit that cannot be.

        """
        fields: OrganizationFields = {}
        fields.update(said(self, _NAMES, _CLEARABLE))  # type: ignore[typeddict-item]
        if self.says_limit():
            fields["budget"] = self.limit(None if current is None else current.budget)
        return fields


class OrganizationNew(OrganizationBody):
    """A new organization; without models it may use all."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"organization_id": "acme", "organization_alias": "Acme", "max_budget": 1000}
            ]
        }
    )

    organization_id: Annotated[
        NewId | None, Field(default=None, description="Made up when it is left out.")
    ]


class OrganizationUpdate(OrganizationBody):
    """A change of an organization; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"organization_id": "acme", "models": ["gpt-4o*"]}]}
    )

    organization_id: Id
    version: Version | None = None


class OrganizationIds(Body):
    """Several organizations."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"organization_ids": ["acme"]}]})

    organization_ids: Ids


class OrganizationMember(Body):
    """Somebody who is to be in an organization."""

    user_id: Id
    role: OrganizationRole = "internal_user"


class OrganizationMemberAdd(Body):
    """One new member or several."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"organization_id": "acme", "member": {"user_id": "ann", "role": "org_admin"}}
            ]
        }
    )

    organization_id: Id
    member: (
        OrganizationMember
        | Annotated[list[OrganizationMember], Field(min_length=1, max_length=100)]
    )

    @property
    def members(self) -> list[OrganizationMember]:
        """Return those who are to be in the organization, each once."""
        several = self.member if isinstance(self.member, list) else [self.member]
        return list({member.user_id: member for member in several}.values())


class OrganizationMemberUpdate(Body):
    """What somebody is to be in an organization."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"organization_id": "acme", "user_id": "ann", "role": "internal_user"}]
        }
    )

    organization_id: Id
    user_id: Id
    role: OrganizationRole
    version: Version | None = None


class OrganizationMemberDelete(Body):
    """A membership that is to end."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"organization_id": "acme", "user_id": "ann"}]}
    )

    organization_id: Id
    user_id: Id
