"""Rows that a test wants to be there, written through the tables and the engine of the product.

A new row is closed: it has no models unless some are named, and no limit unless one is given.
"""

from collections.abc import Mapping
from typing import Literal

from sqlalchemy import Table, insert, update

from gatepass.plugin.budgets.templates import BudgetTemplate
from gatepass.plugin.directory.budget_rows import make_budget
from gatepass.plugin.directory.rows import models_text
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.directory.store import SqlDirectory
from gatepass.plugin.directory.tables import (
    end_users,
    memberships,
    organization_memberships,
    organizations,
    teams,
    users,
)
from gatepass.rbac.linking import EmailState
from gatepass.rbac.roles import Role

Kind = Literal["user", "team", "organization", "end_user"]

_TABLES = {"user": users, "team": teams, "organization": organizations, "end_user": end_users}
NO_MODELS_YET = RowDefaults(models=())
ALL_MODELS_OF_THE_TEAM = RowDefaults()


class StockedDirectory(SqlDirectory):
    """A directory whose rows a test writes; IntegrityError says that one cannot be."""

    async def add_user(  # noqa: PLR0913 - the columns of a row, all by name
        self,
        user_id: str,
        *,
        issuer: str | None = None,
        subject: str | None = None,
        home_issuer: str | None = None,
        sso_user_id: str | None = None,
        email: str | None = None,
        email_state: EmailState = EmailState.ENTERED,
        invited: bool = False,
        role: Role | None = None,
        grants: RowDefaults = NO_MODELS_YET,
    ) -> None:
        """Add a row; without issuer and subject it is unbound."""
        values = {
            "user_id": user_id,
            "home_issuer": home_issuer or issuer,
            "issuer": issuer,
            "subject": subject,
            "sso_user_id": sso_user_id,
            "email": None if email is None else email.lower(),
            "email_state": None if email is None else email_state,
            "invited": invited,
            "role": role,
            "created_at": int(self._clock.wall()),
        }
        await self._add(users, values, grants)

    async def add_team(
        self,
        team_id: str,
        *,
        alias: str | None = None,
        organization_id: str | None = None,
        each_member: BudgetTemplate | None = None,
        grants: RowDefaults = NO_MODELS_YET,
    ) -> None:
        now = int(self._clock.wall())
        async with self._database.writing() as connection:
            share = await make_budget(connection, each_member, now)
        values = {
            "team_id": team_id,
            "alias": alias,
            "organization_id": organization_id,
            "member_budget_id": share,
            "created_at": now,
        }
        await self._add(teams, values, grants)

    async def add_organization(
        self,
        organization_id: str,
        *,
        alias: str | None = None,
        grants: RowDefaults = NO_MODELS_YET,
    ) -> None:
        await self._add(organizations, {"organization_id": organization_id, "alias": alias}, grants)

    async def add_end_user(self, end_user_id: str, *, grants: RowDefaults = NO_MODELS_YET) -> None:
        await self._add(end_users, {"end_user_id": end_user_id}, grants)

    async def add_membership(
        self,
        user_id: str,
        team_id: str,
        *,
        role: Literal["admin", "user"] = "user",
        grants: RowDefaults = ALL_MODELS_OF_THE_TEAM,
    ) -> None:
        values = {"user_id": user_id, "team_id": team_id, "role": role}
        await self._add(memberships, values, grants)

    async def add_organization_membership(
        self, user_id: str, organization_id: str, role: Role
    ) -> None:
        async with self._database.writing() as connection:
            await connection.execute(
                insert(organization_memberships).values(
                    user_id=user_id, organization_id=organization_id, role=role
                )
            )

    async def set_blocked(self, kind: Kind, subject_id: str, *, blocked: bool) -> None:
        table = _TABLES[kind]
        async with self._database.writing() as connection:
            result = await connection.execute(
                update(table).where(table.c[f"{kind}_id"] == subject_id).values(blocked=blocked)
            )
            assert result.rowcount == 1

    async def _add(
        self, table: Table, values: Mapping[str, str | int | None], grants: RowDefaults
    ) -> None:
        now = int(self._clock.wall())
        async with self._database.writing() as connection:
            budget_id = await make_budget(connection, grants.budget, now)
            models = models_text(grants.models)
            await connection.execute(
                insert(table).values(**values, models=models, budget_id=budget_id)
            )
