"""Identity -> the rows behind it, made by upsert where the rules allow it.

Who you are is (issuer, subject); the user claim only names the row. A caller who is stored costs
one query. For one who is not, everything is judged and made in one transaction, never in a task of
its own: whoever loses a race reads what the winner made, and a refusal leaves nothing behind
(SEC-55). Not here: roles, blocked rows and model rules are judged by gatepass.rbac, and what was
found is remembered by whoever asks.
"""

from typing import NamedTuple

from sqlalchemy.exc import IntegrityError

from gatepass.jwks.clock import SYSTEM_CLOCK, Clock
from gatepass.plugin.decision import Effect
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.rows import find_principals
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.directory.upsert import NOTHING_MISSING, find_missing, make_team, make_user
from gatepass.plugin.errors import StoreUnavailable
from gatepass.rbac.identity import Identity
from gatepass.rbac.principals import Principals
from gatepass.rbac.teams import TeamChoice


class Resolved(NamedTuple):
    """The rows behind a caller, and what had to be made for them."""

    principals: Principals
    effects: tuple[Effect, ...]


class SqlDirectory:
    """The directory in a SQL database; `url` is `sqlite:///path`, or what `Database` made of it.

    Raises:
        ConfigurationError: the URL names no file.

    """

    def __init__(
        self, url: str | Database, rules: DirectoryRules, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._database = Database(url) if isinstance(url, str) else url
        self._clock = clock
        self._rules = rules

    def with_rules(self, rules: DirectoryRules) -> "SqlDirectory":
        """Return a directory on the same connections that goes by other rules, as after a reload.

        Opening and closing either is opening and closing both.
        """
        return SqlDirectory(self._database, rules, self._clock)

    async def open(self) -> None:
        """Make or migrate the database and get ready.

        Raises:
            ConfigurationError: the file cannot be used, with what to do about it.
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

    async def resolve(self, identity: Identity, team: TeamChoice) -> Resolved:
        """Return the rows behind the caller, with those that were made just now as effects.

        A machine (no user id) has no user row, an end user that is not stored has none either.

        Raises:
            AccessDenied: USER_UNKNOWN, TEAM_UNKNOWN, ORGANIZATION_UNKNOWN, or IDENTITY_DENIED when
                the id or the verified e-mail belongs to somebody else.
            StoreUnavailable: the database fails; never means that somebody is not stored.

        """
        async with self._database.reading() as connection:
            found = await find_principals(connection, identity, team)
            missing = await find_missing(connection, self._rules, identity, team, found)
        if missing == NOTHING_MISSING:
            return Resolved(found, ())
        try:
            return await self._make_missing(identity, team)
        except IntegrityError:
            return await self._read_again(identity, team)

    async def _read_again(self, identity: Identity, team: TeamChoice) -> Resolved:
        """Go by what whoever won the race has made; losing twice is no race."""
        try:
            return await self._make_missing(identity, team)
        except IntegrityError as error:
            raise StoreUnavailable from error

    async def _make_missing(self, identity: Identity, team: TeamChoice) -> Resolved:
        now = int(self._clock.wall())
        rules = self._rules
        effects: list[Effect] = []
        async with self._database.writing() as connection:
            found = await find_principals(connection, identity, team)
            missing = await find_missing(connection, rules, identity, team, found)
            if missing.user_id is not None:
                await make_user(connection, rules, identity, now)
                effects.append(Effect("user_created", missing.user_id))
            if missing.team_id is not None:
                await make_team(connection, rules, missing.team_id, now)
                effects.append(Effect("team_created", missing.team_id))
            if effects:
                found = await find_principals(connection, identity, team)
        return Resolved(found, tuple(effects))
