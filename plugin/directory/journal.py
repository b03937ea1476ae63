"""The journal of links, and what an operator does with it: look, unlink, link again.

A person who is unlinked from a row does not get back to it on their own (gatepass.rbac.linking asks
the journal), and a row that was linked by an address is open for its owner afterwards. What an
operator does is audited as well, as every change of a row. Telling the services that remember the
person is left to whoever asks.
"""

from typing import NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.jwks.errors import GatepassError
from gatepass.plugin.directory.changes.kinds import USERS
from gatepass.plugin.directory.changes.transaction import CLI, Actor, Transaction
from gatepass.plugin.directory.changes.writing import note_changes
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.tables import links, users
from gatepass.rbac.linking import EmailState

_USER = select(users.c.user_id, users.c.issuer, users.c.subject, users.c.email_state).where(
    users.c.user_id == bindparam("user_id")
)
_ENTRIES = (
    select(
        links.c.at,
        links.c.action,
        links.c.issuer,
        links.c.subject,
        links.c.evidence,
        links.c.email,
    )
    .where(links.c.user_id == bindparam("user_id"))
    .order_by(links.c.entry)
)


class CannotLink(GatepassError):
    """The row is not in a state in which that could be done."""

    def __init__(self, sentence: str) -> None:
        super().__init__("cannot_link", sentence)


class LinkEntry(NamedTuple):
    """One line of the journal; `at` in seconds since the epoch."""

    at: int
    action: str
    issuer: str
    subject: str
    evidence: str
    email: str | None


class LinkJournal:
    """What an operator may do with links, and who that is; the database is open."""

    def __init__(self, database: Database, actor: Actor = CLI) -> None:
        self._database = database
        self._actor = actor

    async def entries(self, user_id: str) -> list[LinkEntry]:
        """Return the journal of a user, oldest first, also of one whose row is gone.

        Raises:
            CannotLink: there is neither such a user nor an entry.
            StoreUnavailable: the database fails.

        """
        async with self._database.reading() as connection:
            result = await connection.execute(_ENTRIES, {"user_id": user_id})
            entries = [LinkEntry(*row) for row in result]
            if not entries:
                await _read_user(connection, user_id)
        return entries

    async def unlink(self, user_id: str, now: int) -> LinkEntry:
        """Take a row from whoever it is bound to; `now` in seconds since the epoch.

        Raises:
            CannotLink: there is no such user, or the row is nobody's.
            StoreUnavailable: the database fails.

        """
        async with self._database.writing() as connection:
            issuer, subject, email_state = await _read_user(connection, user_id)
            if issuer is None or subject is None:
                raise CannotLink("the user is linked to nobody")
            values: dict[str, str | None] = {"issuer": None, "subject": None}
            if email_state == EmailState.VERIFIED:
                values["email_state"] = EmailState.ENTERED
            await self._bind(connection, user_id, values, now)
            entry = LinkEntry(now, "unlinked", issuer, subject, "operator", None)
            await _write(connection, user_id, entry)
        return entry

    async def relink(self, user_id: str, issuer: str, subject: str, now: int) -> LinkEntry:
        """Bind a row that is nobody's to the subject of an issuer, whatever the rules would say.

        Raises:
            CannotLink: there is no such user, the row is somebody's, or the subject has another.
            StoreUnavailable: the database fails.

        """
        entry = LinkEntry(now, "relinked", issuer, subject, "operator", None)
        try:
            async with self._database.writing() as connection:
                bound_to, _, _ = await _read_user(connection, user_id)
                if bound_to is not None:
                    raise CannotLink("the user is linked already; unlink it first")
                values: dict[str, str | None] = {"issuer": issuer, "subject": subject}
                await self._bind(connection, user_id, values, now)
                await _write(connection, user_id, entry)
        except IntegrityError as error:
            raise CannotLink("the subject has another user; unlink that one first") from error
        return entry

    async def _bind(
        self, connection: AsyncConnection, user_id: str, values: dict[str, str | None], now: int
    ) -> None:
        before = await USERS.find(connection, (user_id,))
        await connection.execute(
            update(users)
            .where(users.c.user_id == user_id)
            .values(**values, version=users.c.version + 1)
        )
        after = await USERS.find(connection, (user_id,))
        transaction = Transaction(connection, self._actor, now)
        await note_changes(transaction, USERS, "update", [(before, after)])


async def _read_user(
    connection: AsyncConnection, user_id: str
) -> tuple[str | None, str | None, str | None]:
    row = (await connection.execute(_USER, {"user_id": user_id})).one_or_none()
    if row is None:
        raise CannotLink("there is no such user")
    return row.issuer, row.subject, row.email_state


async def _write(connection: AsyncConnection, user_id: str, entry: LinkEntry) -> None:
    await connection.execute(insert(links).values(user_id=user_id, **entry._asdict()))
