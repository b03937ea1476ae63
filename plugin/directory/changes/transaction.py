"""One transaction of changes: who makes them, when, and who is told once they are kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.plugin.directory.changed import Changed, Notify, nobody_is_told
from gatepass.plugin.directory.database import Database
from gatepass.plugin.errors import StoreUnavailable


class Actor(NamedTuple):
    """Who changes rows: a token's issuer and subject; without an issuer whoever ran a command."""

    issuer: str | None
    subject: str


CLI = Actor(None, "cli")
IMPORT = Actor(None, "import")


@dataclass(slots=True)
class Transaction:
    """Changes that are kept together or not at all; `now` in seconds since the epoch.

    `allow_no_admin` lets the last proxy_admin go. `email_may_repeat` lets two users have one
    address, which then links nobody. `memberships_are_said` means that every membership that is to
    go is said, and that none goes along with another row that stays.
    """

    connection: AsyncConnection
    actor: Actor
    now: int
    allow_no_admin: bool = False
    email_may_repeat: bool = False
    memberships_are_said: bool = False
    changed: list[Changed] = field(default_factory=list)


@asynccontextmanager
async def changing(
    database: Database, actor: Actor, now: int, notify: Notify = nobody_is_told
) -> AsyncIterator[Transaction]:
    """Give a transaction for changes; it is kept unless an error leaves the block.

    One transaction writes at a time, so that what is read in it stays true until its end.

    Raises:
        StoreUnavailable: the database fails.

    """
    try:
        async with database.writing() as connection:
            transaction = Transaction(connection, actor, now)
            yield transaction
    except IntegrityError as error:  # what can be foreseen is refused before it comes to this
        raise StoreUnavailable from error
    if transaction.changed:
        notify(tuple(dict.fromkeys(transaction.changed)))
