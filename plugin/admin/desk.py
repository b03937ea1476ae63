"""What every request goes through: who asks, one transaction, an answer that can be given again.

A change is made, audited and answered in one transaction. With an `Idempotency-Key` the answer is
kept in the same transaction: whoever sends the request again, because the first answer was lost, is
told the same and changes nothing. `If-Match` holds the version that the client has seen.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

import msgspec
from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from gatepass.jwks.clock import Clock
from gatepass.jwks.status import IssuerStatus
from gatepass.plugin.admin.rights import administrator
from gatepass.plugin.admin.shown import Document, to_body
from gatepass.plugin.decision import Caller
from gatepass.plugin.directory.changed import Changed
from gatepass.plugin.directory.changes.answers import (
    KeptAnswer,
    keep_answer,
    kept_answer,
    request_digest,
)
from gatepass.plugin.directory.changes.faults import ChangeFault, ChangeRefused
from gatepass.plugin.directory.changes.transaction import Actor, Transaction, changing
from gatepass.plugin.directory.database import Database
from gatepass.plugin.directory.rules import DirectoryRules
from gatepass.plugin.gateways.asgi import STATE_KEY
from gatepass.rbac.administrators import Administrator
from gatepass.rbac.errors import AccessDenied, AccessFault

_KEY = re.compile(r"[!-~]{1,255}")
_VERSION = re.compile(r'"([1-9][0-9]{0,9})"')
_OK = 200


class _Versioned(msgspec.Struct, frozen=True):
    version: int | None = None


class Work(NamedTuple):
    """What a change is made with; `seen` is the version of `If-Match`."""

    transaction: Transaction
    who: Administrator
    seen: int | None

    def version(self, said: int | None = None) -> int | None:
        """Return the version that the row must have; `said` is the body's.

        Raises:
            ChangeRefused: VERSION_CONFLICT when header and body name two.

        """
        if said is None or self.seen is None:
            return self.seen if said is None else said
        if said != self.seen:
            raise ChangeRefused(ChangeFault.VERSION_CONFLICT)
        return said


class Look(NamedTuple):
    """What is looked with."""

    connection: AsyncConnection
    who: Administrator


class Settings(Protocol):
    """What the settings of this moment say; the Gate knows them."""

    def directory_rules(self) -> DirectoryRules:
        """Return how rows start that say nothing else."""
        ...

    def issuers(self) -> Sequence[IssuerStatus]:
        """Return the issuers."""
        ...

    def announce(self, changes: Sequence[Changed]) -> None:
        """Have everybody forget whoever depends on changed rows."""
        ...


class Desk:
    """Where requests are carried out."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock

    @property
    def rules(self) -> DirectoryRules:
        """Return how rows start that say nothing else."""
        return self._settings.directory_rules()

    @property
    def only_issuer(self) -> str | None:
        """Return the issuer, if there is just one: every id is an id of it."""
        issuers = self._settings.issuers()
        return issuers[0].issuer if len(issuers) == 1 else None

    async def change(
        self, request: Request, make: Callable[[Work], Awaitable[Document]]
    ) -> Response:
        """Make a change and answer with what it gives.

        Raises:
            AccessDenied: the caller may not.
            ChangeRefused: the change cannot be made.
            StoreUnavailable: the store does not answer.

        """
        caller = _caller(request)
        key, version = _key(request), _version(request)
        actor = Actor(caller.identity.issuer, caller.identity.subject)
        digest = "" if key is None else await _digest(request)
        now, notify = int(self._clock.wall()), self._settings.announce
        async with changing(self._database, actor, now, notify) as transaction:
            who = await administrator(transaction.connection, caller)
            if key is not None:
                kept = await kept_answer(transaction, key, digest)
                if kept is not None:
                    return _given_again(kept)
            document = await make(Work(transaction, who, version))
            body = to_body(document)
            if key is not None:
                await keep_answer(transaction, key, digest, KeptAnswer(_OK, body.decode()))
        return _answer(body, version=document.get("version"))

    @asynccontextmanager
    async def looking(self, request: Request) -> AsyncIterator[Look]:
        """Give what is looked with.

        Raises:
            AccessDenied: the caller may not be here any more.
            StoreUnavailable: the store does not answer.

        """
        caller = _caller(request)
        async with self._database.reading() as connection:
            yield Look(connection, await administrator(connection, caller))


def show(document: Document) -> Response:
    """Return the answer that shows a document."""
    return _answer(to_body(document), version=document.get("version"))


def _given_again(kept: KeptAnswer) -> Response:
    version = msgspec.json.decode(kept.body, type=_Versioned).version
    return _answer(kept.body.encode(), kept.status, version)


def _answer(body: bytes, status: int = _OK, version: object = None) -> Response:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    if version is not None:
        headers["etag"] = f'"{version}"'
    return Response(body, status, headers)


def _caller(request: Request) -> Caller:
    caller: Caller | None = request.scope["state"][STATE_KEY].caller
    if caller is None:  # a public route of the profile: nobody in particular administers nothing
        raise AccessDenied(AccessFault.ADMINISTRATION_DENIED)
    return caller


def _key(request: Request) -> str | None:
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise ChangeRefused(ChangeFault.BAD_VALUE, "idempotency-key")
    return keys[0]


def _version(request: Request) -> int | None:
    versions = request.headers.getlist("if-match")
    if not versions or versions == ["*"]:
        return None
    found = _VERSION.fullmatch(versions[0]) if len(versions) == 1 else None
    if found is None:
        raise ChangeRefused(ChangeFault.BAD_VALUE, "if-match")
    return int(found[1])


async def _digest(request: Request) -> str:
    scope = request.scope
    return request_digest(
        scope["method"].encode(),
        scope["raw_path"],
        scope["query_string"],
        request.headers.get("if-match", "").encode(),
        await request.body(),
    )
