"""Adding rows on purpose: what an operator, an importer or a test says is so.

A new row is closed: it has no models unless some are named, and no limit unless one is given. The
caller's right to do this is judged elsewhere.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal

from sqlalchemy import Table, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.jwks.clock import Clock
from gatepass.jwks.errors import GatepassError
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.rows import models_text
from gatepass.plugin.directory.rules import RowDefaults
from gatepass.plugin.directory.tables import (
    end_users,
    memberships,
    organizations,
    teams,
    users,
)
from gatepass.plugin.directory.upsert import make_budget
from gatepass.rbac.roles import Role

_TABLES = {"user": users, "team": teams, "organization": organizations, "end_user": end_users}
NO_MODELS_YET = RowDefaults(models=())


class RowConflict(GatepassError):
    """The row is there already, or names one that is not."""

    def __init__(self) -> None:
        super().__init__("row_conflict", "the row is there already, or names one that is not")


class Provisioning:
    """Writes of single rows; every method raises RowConflict and StoreUnavailable."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add_user(  # noqa: PLR0913 - the columns of a row, all by name
        self,
        user_id: str,
        *,
        issuer: str,
        subject: str,
        email: str | None = None,
        role: Role | None = None,
        grants: RowDefaults = NO_MODELS_YET,
    ) -> None:
        """Add a person; `email` is one that was verified."""
        values = {
            "user_id": user_id,
            "issuer": issuer,
            "subject": subject,
            "email": None if email is None else email.lower(),
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
        grants: RowDefaults = NO_MODELS_YET,
    ) -> None:
        """Add a team, in an organization that is stored or in none."""
        values = {
            "team_id": team_id,
            "alias": alias,
            "organization_id": organization_id,
            "created_at": int(self._clock.wall()),
        }
        await self._add(teams, values, grants)

    async def add_organization(
        self,
        organization_id: str,
        *,
        alias: str | None = None,
        grants: RowDefaults = NO_MODELS_YET,
    ) -> None:
        """Add an organization."""
        await self._add(organizations, {"organization_id": organization_id, "alias": alias}, grants)

    async def add_end_user(self, end_user_id: str, *, grants: RowDefaults = NO_MODELS_YET) -> None:
        """Add a customer, who is restricted from now on."""
        await self._add(end_users, {"end_user_id": end_user_id}, grants)

    async def add_membership(
        self, user_id: str, team_id: str, *, role: Literal["admin", "user"] = "user"
    ) -> None:
        """Make a stored user a member of a stored team."""
        async with self._changing() as connection:
            await connection.execute(
                insert(memberships).values(user_id=user_id, team_id=team_id, role=role)
            )

    async def set_blocked(
        self,
        kind: Literal["user", "team", "organization", "end_user"],
        subject_id: str,
        *,
        blocked: bool,
    ) -> None:
        """Block a row or let it pass again; a row that is not there is a RowConflict."""
        table = _TABLES[kind]
        async with self._changing() as connection:
            result = await connection.execute(
                update(table).where(table.c[f"{kind}_id"] == subject_id).values(blocked=blocked)
            )
            if result.rowcount != 1:
                raise RowConflict

    async def _add(
        self, table: Table, values: Mapping[str, str | int | None], grants: RowDefaults
    ) -> None:
        now = int(self._clock.wall())
        async with self._changing() as connection:
            budget_id = await make_budget(connection, grants.budget, now)
            models = models_text(grants.models)
            await connection.execute(
                insert(table).values(**values, models=models, budget_id=budget_id)
            )

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._database.writing() as connection:
                yield connection
        except IntegrityError as error:
            raise RowConflict from error
