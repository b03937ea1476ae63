"""Identity -> the rows behind it; linked, made and kept in step where the rules allow it.

Who you are is (issuer, subject); the user claim only names the row. A caller who is stored costs
one query. For one who is not, everything is judged and done in one transaction, never in a task of
its own: whoever loses a race reads what the winner did, and a refusal leaves nothing behind
(SEC-55). Not here: roles, blocked rows and model rules are judged by gatepass.rbac, and what was
found is remembered by whoever asks.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin.budgets.amounts import InvalidAmount
from gatepass.plugin.directory.accounts import find_match
from gatepass.plugin.directory.caller_query import CALLER, Parameters, parameters
from gatepass.plugin.directory.caller_rows import CallerRow, CallerRows, read_rows
from gatepass.plugin.directory.changes.transaction import Actor, Transaction
from gatepass.plugin.directory.choosing import chosen_teams, make_candidates, names_organization
from gatepass.plugin.directory.database import Database, LostRace
from gatepass.plugin.directory.resolved import Resolved
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.syncing import NO_CHANGES, carry_out, find_changes, says_teams
from gatepass.plugin.directory.upsert import NOTHING_MISSING, find_missing, make_missing
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.identity import Identity
from gatepass.rbac.linking import Match
from gatepass.rbac.principals import Principals
from gatepass.rbac.teams import TeamChoice

if TYPE_CHECKING:
    from gatepass.plugin.decision import Effect


class SqlDirectory:
    """The directory in a SQL database; `url` names it, or is what `Database` made of that.

    Raises:
        ConfigurationError: the URL names no file.

    """

    def __init__(
        self, url: str | Database, rules: DirectoryRules, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._database = Database(url) if isinstance(url, str) else url
        self._clock = clock
        self._rules = rules

    @property
    def database(self) -> Database:
        """Return the database behind it."""
        return self._database

    def with_rules(self, rules: DirectoryRules) -> "SqlDirectory":
        """Return a directory on the same connections that goes by other rules, as after a reload.

        Opening and closing either is opening and closing both.
        """
        return SqlDirectory(self._database, rules, self._clock)

    async def open(self) -> None:
        """Make the database if it is not there, and get ready.

        Raises:
            ConfigurationError: it cannot be used or is of another version, with what to do.
            StoreUnavailable: it cannot be used right now.

        """
        await self._database.open()

    async def close(self) -> None:
        """Close every connection; nothing happens when there are none."""
        await self._database.close()

    async def ping(self) -> None:
        """Return if the database can be read.

        Raises:
            StoreUnavailable: it cannot.

        """
        await self._database.ping()

    async def resolve(self, identity: Identity, choice: TeamChoice) -> Resolved:
        """Return the rows behind the caller, with what was done just now as effects.

        A machine (no user id) has no user row unless its subject has one; an end user that is not
        stored has none either.

        Raises:
            AccessDenied: USER_UNKNOWN, TEAM_UNKNOWN, ORGANIZATION_UNKNOWN, or IDENTITY_DENIED when
                a row matches that is not the caller's.
            StoreUnavailable: the database fails; never means that somebody is not stored.

        """
        rules, asked = self._rules, self._parameters(identity, choice)
        rows = _to_rows(identity, await self._database.find_caller(asked))
        missing = await find_missing(partial(self._match, identity), rules, identity, choice, rows)
        if missing == NOTHING_MISSING and find_changes(rules, identity, rows) == NO_CHANGES:
            return Resolved(_candidates(identity, choice, rows), ())
        try:
            return await self._write(identity, choice)
        except (IntegrityError, LostRace):
            return await self._write_again(identity, choice)

    def _parameters(self, identity: Identity, choice: TeamChoice) -> Parameters:
        return parameters(identity, choice, all_teams=says_teams(self._rules, identity))

    async def _match(self, identity: Identity) -> Match | None:
        async with self._database.reading() as connection:
            return await find_match(connection, self._rules, identity)

    async def _write_again(self, identity: Identity, choice: TeamChoice) -> Resolved:
        """Go by what whoever won the race has done; losing twice is no race."""
        try:
            return await self._write(identity, choice)
        except (IntegrityError, LostRace) as error:
            raise StoreUnavailable from error

    async def _write(self, identity: Identity, choice: TeamChoice) -> Resolved:
        now = int(self._clock.wall())
        rules, asked = self._rules, self._parameters(identity, choice)
        async with self._database.writing() as connection:
            match = partial(find_match, connection, rules, identity)
            rows = await _read(connection, identity, asked)
            effects: list[Effect] = []
            for _ in ("the person", "the team, where their memberships decide"):
                missing = await find_missing(match, rules, identity, choice, rows)
                if missing == NOTHING_MISSING:
                    break
                effects += await make_missing(connection, rules, identity, missing, now)
                rows = await _read(connection, identity, asked)
            changes = find_changes(rules, identity, rows)
            if rows.user is not None and changes != NO_CHANGES:
                own = Transaction(connection, Actor(identity.issuer, identity.subject), now)
                effects += await carry_out(own, rows.user.user_id, changes)
                rows = await _read(connection, identity, asked)
            return Resolved(_candidates(identity, choice, rows), tuple(effects))


async def _read(connection: AsyncConnection, identity: Identity, asked: Parameters) -> CallerRows:
    result = await connection.execute(CALLER, asked)
    return _to_rows(identity, result.all())


def _to_rows(identity: Identity, rows: Sequence[CallerRow]) -> CallerRows:
    """Return what is stored about the caller.

    The person was found by issuer and subject, whether or not the token names a user: leaving a
    claim out of a token must not lead past the person's own row.
    """
    try:
        return read_rows(rows, organization_named=names_organization(identity))
    except (InvalidAmount, ValueError) as error:
        raise StoreUnavailable from error


def _candidates(identity: Identity, choice: TeamChoice, rows: CallerRows) -> tuple[Principals, ...]:
    return make_candidates(identity, rows, chosen_teams(choice, rows))
