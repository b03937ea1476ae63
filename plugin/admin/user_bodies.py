"""The bodies of requests about users."""

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
    Text,
    UserRole,
    Version,
)
from gatepass.plugin.directory.changes.records import UserRecord
from gatepass.plugin.directory.changes.users import UserFields
from gatepass.rbac.roles import Role

_NAMES = {
    "user_email": "email",
    "user_role": "role",
    "models": "models",
    "blocked": "blocked",
    "home_issuer": "home_issuer",
    "sso_user_id": "sso_user_id",
    "invited": "invited",
}
_CLEARABLE = frozenset({"user_email", "user_role", "home_issuer", "sso_user_id"})


class UserBody(LimitBody):
    """What is said of a user."""

    user_email: Text | None = None
    user_role: UserRole | None = None
    models: ModelList | None = None
    blocked: Flag | None = None
    home_issuer: Annotated[
        Id | None, Field(default=None, description="The issuer whose ids the row's are.")
    ]
    sso_user_id: Annotated[
        Id | None, Field(default=None, description="The user's id at that issuer.")
    ]
    invited: Flag | None = None

    def fields(self, current: UserRecord | None = None) -> UserFields:
        """Return what the user is to be.

        Raises:
            ChangeRefused: BAD_VALUE for a limit that cannot be.

        """
        fields: UserFields = {}
        fields.update(said(self, _NAMES, _CLEARABLE))  # type: ignore[typeddict-item]
        if fields.get("role") is not None:
            fields["role"] = Role(str(fields["role"]))
        if self.says_limit():
            fields["budget"] = self.limit(None if current is None else current.budget)
        return fields


class UserNew(UserBody):
    """A new user."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "ann",
                    "user_email": "ann@example.com",
                    "user_role": "internal_user",
                    "models": ["gpt-4o*"],
                    "max_budget": "50.00",
                    "budget_duration": "30d",
                    "teams": ["red"],
                }
            ]
        }
    )

    user_id: Annotated[
        NewId | None, Field(default=None, description="Made up when it is left out.")
    ]
    organizations: Annotated[list[Id], Field(default_factory=list, max_length=100)]
    teams: Annotated[list[Id], Field(default_factory=list, max_length=100)]


class UserUpdate(UserBody):
    """A change of a user; what is left out stays."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": "ann", "max_budget": 75.5, "version": 1}]}
    )

    user_id: Id
    version: Version | None = None


class UserIds(Body):
    """Several users."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"user_ids": ["ann"]}]})

    user_ids: Ids
